/** How amounts, instants and names are told to people. Money is never computed as a float: only shown. */

export interface MoneyValue {
  minorUnits: number;
  currency: string;
  amount: string;
}

const moneyFormats = new Map<string, Intl.NumberFormat>();

export function formatMoney(
  money: Pick<MoneyValue, "amount" | "currency">,
  { sign = false }: { sign?: boolean } = {},
): string {
  const key = `${money.currency}${sign}`;
  let format = moneyFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en-US", {
      style: "currency",
      currency: money.currency,
      // As many decimals as the service writes, which knows the currency.
      minimumFractionDigits: decimals(money.amount),
      maximumFractionDigits: decimals(money.amount),
      signDisplay: sign ? "exceptZero" : "auto",
    });
    moneyFormats.set(key, format);
  }
  // A decimal string is formatted exactly; a float would not be.
  return format.format(money.amount as Intl.StringNumericLiteral).replace("-", "−");
}

function decimals(amount: string): number {
  return amount.split(".")[1]?.length ?? 0;
}

const wholeFormat = new Intl.NumberFormat("en-US");
const compactFormat = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export function formatWhole(value: number, { sign = false }: { sign?: boolean } = {}): string {
  const text = wholeFormat.format(Math.abs(value));
  if (value < 0) return `−${text}`;
  return sign && value > 0 ? `+${text}` : text;
}

export function formatCompact(value: number): string {
  return Math.abs(value) < 100_000 ? formatWhole(value) : compactFormat.format(value);
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const relativeFormat = new Intl.RelativeTimeFormat("en", { style: "short" });

export function formatRelative(instant: string, now: number): string {
  const seconds = Math.round((Date.parse(instant) - now) / 1000);
  if (Math.abs(seconds) < 5) return "now";
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relativeFormat.format(Math.trunc(seconds / size), unit).replace(".", "");
  }
  return "now";
}

const localFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const utcFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const shortFormat = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

export function formatLocal(instant: string): string {
  return localFormat.format(new Date(instant));
}

export function formatShort(instant: string): string {
  return shortFormat.format(new Date(instant));
}

export function formatUtc(instant: string): string {
  return `${utcFormat.format(new Date(instant))} UTC`;
}

const dayFormat = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

/** Days are UTC days and the same everywhere: a period does not begin earlier in New York. */
export function formatDay(day: string): string {
  return dayFormat.format(new Date(`${day}T00:00:00Z`));
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (milliseconds < 3_600_000) return `${Math.round(milliseconds / 60_000)} min`;
  return `${Math.round(milliseconds / 3_600_000)} h`;
}

/** CHANGE_TIER -> Change tier; metronome_customer -> Metronome customer. */
export function words(name: string): string {
  const text = name.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatWhole(count)} ${count === 1 ? one : many}`;
}

export function cardName(method: { brand: string | null; last4: string | null }): string {
  const brand = method.brand ?? "payment method";
  return `${brand.charAt(0).toUpperCase()}${brand.slice(1)} ${method.last4 ? `•••• ${method.last4}` : ""}`.trim();
}
