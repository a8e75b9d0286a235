"use client";

import { Check, Copy as CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";
import {
  formatCompact,
  formatDay,
  formatLocal,
  formatMoney,
  formatRelative,
  formatUtc,
  formatWhole,
  type MoneyValue,
} from "@/lib/format";
import { useNow } from "@/lib/use-live";

const COPIED_MS = 1_400;

export function Nothing({ why = "none" }: { why?: string }) {
  return (
    <span className="text-faint">
      <span aria-hidden>—</span>
      <span className="sr-only">{why}</span>
    </span>
  );
}

export function Money({
  value,
  sign = false,
  className = "",
}: {
  value: MoneyValue;
  sign?: boolean;
  className?: string;
}) {
  return <span className={`tabular-nums whitespace-nowrap ${className}`}>{formatMoney(value, { sign })}</span>;
}

export function Whole({ value, sign = false, compact = false }: { value: number; sign?: boolean; compact?: boolean }) {
  return (
    <span className="tabular-nums whitespace-nowrap" title={compact ? formatWhole(value) : undefined}>
      {compact ? formatCompact(value) : formatWhole(value, { sign })}
    </span>
  );
}

/** Relative to now; the local and the UTC instant on hover and for a screen reader's title. */
export function When({ at, full = false }: { at: string | null | undefined; full?: boolean }) {
  const now = useNow();
  if (!at) return <Nothing />;
  return (
    <time dateTime={at} title={`${formatLocal(at)}\n${formatUtc(at)}`} className={full ? "" : "whitespace-nowrap"}>
      {full ? formatLocal(at) : formatRelative(at, now)}
    </time>
  );
}

export function Day({ day }: { day: string | null | undefined }) {
  if (!day) return <Nothing />;
  return (
    <time dateTime={day} title={`${day}, from 00:00 UTC`} className="whitespace-nowrap">
      {formatDay(day)}
    </time>
  );
}

/** An id: monospaced, and copied by a click. */
export function Id({
  value,
  label = "id",
  short = false,
}: {
  value: string | null | undefined;
  label?: string;
  short?: boolean;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!value) return <Nothing why="not there yet" />;
  const copy = async () => {
    await writeToClipboard(value);
    setCopied(true);
  };
  return (
    <button
      type="button"
      onClick={(event) => {
        event.stopPropagation();
        void copy();
      }}
      title={`${value}\nClick to copy`}
      className="group/id relative -mx-1 inline-flex min-h-6 max-w-[calc(100%+0.5rem)] items-center rounded px-1 py-px font-mono text-xs text-muted hover:bg-line hover:text-ink"
    >
      <span className="truncate">{short ? shortened(value) : value}</span>
      <span className="sr-only">{copied ? `, ${label}, copied` : `, copy ${label}`}</span>
      {/* Over the end of the id, so that it takes no room while it is not there. */}
      <span
        aria-hidden
        className={`absolute inset-y-0 right-0 items-center rounded bg-line px-1 ${copied ? "flex text-ok" : "hidden group-hover/id:flex group-focus-visible/id:flex"}`}
      >
        {copied ? <Check className="size-3" /> : <CopyIcon className="size-3" />}
      </span>
    </button>
  );
}

function shortened(id: string): string {
  return id.length > 16 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}

/** Also where the clipboard API is missing, as over plain http to another host. */
export async function writeToClipboard(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
