"use client";

import { Check } from "lucide-react";
import { useId } from "react";
import { formatWhole } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { Field, Segmented, TextInput } from "./form";
import { QueryProblem, Skeleton } from "./states";
import { Tier as TierBadge, type TierName } from "./status";
import { Money } from "./value";

const CATALOGUE = graphql(`
  query Catalogue {
    tiers {
      tier
      name
      monthlyPrice { minorUnits currency amount }
      yearlyPrice { minorUnits currency amount }
      creditsPerMonth
      features
    }
  }
`);

type Entry = ResultOf<typeof CATALOGUE>["tiers"][number];
export type PeriodName = "MONTHLY" | "YEARLY";

export interface PlanChoice {
  tier: TierName;
  billingPeriod: PeriodName;
  /** Only for ENTERPRISE: the agreed price in dollars and the credits of a month, as typed. */
  price: string;
  credits: string;
}

export interface Terms {
  price: { minorUnits: number; currency: string };
  creditsPerMonth: number;
}

/** What was typed, as whole cents; null when it is no amount. */
export function centsOf(text: string): number | null {
  const match = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.trim().replaceAll(",", ""));
  if (!match) return null;
  return Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
}

export function wholeOf(text: string): number | null {
  const digits = text.trim().replaceAll(",", "");
  return /^\d{1,13}$/.test(digits) ? Number(digits) : null;
}

export function termsOf(plan: PlanChoice): Terms | null {
  if (plan.tier !== "ENTERPRISE") return null;
  const minorUnits = centsOf(plan.price);
  const creditsPerMonth = wholeOf(plan.credits);
  return minorUnits === null || creditsPerMonth === null
    ? null
    : { price: { minorUnits, currency: "USD" }, creditsPerMonth };
}

export function planIsComplete(plan: PlanChoice): boolean {
  return plan.tier !== "ENTERPRISE" || termsOf(plan) !== null;
}

export const PERIODS = [
  { value: "MONTHLY" as const, label: "Monthly" },
  { value: "YEARLY" as const, label: "Yearly" },
];

export function PlanPicker({ plan, onChange }: { plan: PlanChoice; onChange: (plan: PlanChoice) => void }) {
  const live = useLive(CATALOGUE, {}, { concerns: () => false });
  const name = useId();
  if (live.error && !live.data) return <QueryProblem error={live.error} onRetry={live.refresh} />;
  return (
    <div className="space-y-3">
      <Segmented
        legend="Billing period"
        value={plan.billingPeriod}
        choices={PERIODS}
        onChange={(billingPeriod) => onChange({ ...plan, billingPeriod })}
      />
      <fieldset>
        <legend className="sr-only">Tier</legend>
        <div className="grid gap-2 sm:grid-cols-2">
          {live.data
            ? live.data.tiers.map((entry) => (
                <TierCard
                  key={entry.tier}
                  entry={entry}
                  name={name}
                  period={plan.billingPeriod}
                  chosen={plan.tier === entry.tier}
                  onChoose={() => onChange({ ...plan, tier: entry.tier })}
                />
              ))
            : [0, 1, 2, 3].map((place) => <Skeleton key={place} className="h-36 w-full" />)}
        </div>
      </fieldset>
      {plan.tier === "ENTERPRISE" ? (
        <div className="grid gap-3 sm:grid-cols-2">
          <Field
            label={`Price for each ${plan.billingPeriod === "MONTHLY" ? "month" : "year"}, in USD`}
            problem={plan.price && centsOf(plan.price) === null ? "An amount, as 1200 or 1200.50" : null}
            hint="As agreed with this customer"
          >
            {(wiring) => (
              <TextInput
                {...wiring}
                inputMode="decimal"
                value={plan.price}
                onChange={(event) => onChange({ ...plan, price: event.target.value })}
              />
            )}
          </Field>
          <Field
            label="Credits for each month"
            problem={plan.credits && wholeOf(plan.credits) === null ? "A whole number" : null}
          >
            {(wiring) => (
              <TextInput
                {...wiring}
                inputMode="numeric"
                value={plan.credits}
                onChange={(event) => onChange({ ...plan, credits: event.target.value })}
              />
            )}
          </Field>
        </div>
      ) : null}
    </div>
  );
}

function TierCard({
  entry,
  name,
  period,
  chosen,
  onChoose,
}: {
  entry: Entry;
  name: string;
  period: PeriodName;
  chosen: boolean;
  onChoose: () => void;
}) {
  const price = period === "MONTHLY" ? entry.monthlyPrice : entry.yearlyPrice;
  return (
    <label className="block cursor-pointer rounded-lg border p-3 hover:border-line-strong has-checked:border-accent has-checked:bg-accent-soft has-focus-visible:outline-2 has-focus-visible:outline-accent">
      <span className="flex items-center justify-between gap-2">
        <span className="flex items-center gap-2">
          <input type="radio" name={name} checked={chosen} onChange={onChoose} className="accent-(--accent-fill)" />
          <TierBadge value={entry.tier} />
        </span>
        <span className="text-sm">
          {price ? (
            <>
              <Money value={price} className="font-semibold" />
              <span className="text-xs text-muted"> / {period === "MONTHLY" ? "month" : "year"}</span>
            </>
          ) : (
            <span className="text-muted">as agreed</span>
          )}
        </span>
      </span>
      <span className="mt-1 block pl-5 text-xs text-muted">
        {entry.creditsPerMonth === null ? "Credits as agreed" : `${formatWhole(entry.creditsPerMonth)} credits a month`}
      </span>
      <ul className="mt-1.5 space-y-0.5 pl-5 text-xs text-muted">
        {entry.features.map((feature) => (
          <li key={feature} className="flex gap-1.5">
            <Check aria-hidden className="mt-0.5 size-3 shrink-0 text-ok" /> {feature}
          </li>
        ))}
      </ul>
    </label>
  );
}
