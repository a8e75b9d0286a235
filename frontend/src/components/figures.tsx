"use client";

import Link from "next/link";
import { Fragment, type ReactNode } from "react";
import { formatMoney, formatWhole, type MoneyValue, plural } from "@/lib/format";
import { Skeleton } from "./states";
import { Tier } from "./status";

export function Figure({
  label,
  value,
  detail,
  href,
  alarming = false,
}: {
  label: string;
  value: ReactNode | undefined;
  detail?: ReactNode;
  href: string;
  alarming?: boolean;
}) {
  return (
    <Link
      href={href}
      prefetch={false}
      className="block min-w-0 rounded-lg border bg-surface px-4 py-3 shadow-card transition-colors hover:border-line-strong"
    >
      <p className="text-xs text-muted">{label}</p>
      {value === undefined ? (
        <Skeleton className="mt-1.5 h-6 w-24" />
      ) : (
        <p
          className={`mt-0.5 text-xl leading-7 font-semibold tracking-tight tabular-nums ${alarming ? "text-bad" : ""}`}
        >
          {value}
        </p>
      )}
      <div className="mt-0.5 min-h-[1.125rem] text-xs text-faint">{detail}</div>
    </Link>
  );
}

/** The first currency large, the others beside it: they are never added up. */
export function Amounts({ amounts }: { amounts: MoneyValue[] }) {
  const [first, ...rest] = amounts;
  return (
    <>
      {first ? formatMoney(first) : "$0.00"}
      {rest.map((amount) => (
        <Fragment key={amount.currency}>
          {" "}
          <span className="inline-block text-sm font-normal text-muted">+ {formatMoney(amount)}</span>
        </Fragment>
      ))}
    </>
  );
}

export function TierBars({ tiers }: { tiers: { tier: string; customers: number; pastDue: number }[] }) {
  const most = Math.max(1, ...tiers.map((each) => each.customers));
  return (
    <ul className="space-y-2.5">
      {tiers.map(({ tier, customers, pastDue }) => (
        <li key={tier}>
          <Link
            href={`/customers/?tier=${tier}`}
            prefetch={false}
            className="grid grid-cols-[6.25rem_minmax(0,1fr)_auto] items-center gap-3 text-sm hover:text-accent"
          >
            <Tier value={tier} />
            <svg aria-hidden viewBox="0 0 100 8" preserveAspectRatio="none" className="h-2 w-full">
              <rect width="100" height="8" rx="1" fill="var(--line)" opacity="0.6" />
              <rect width={(100 * customers) / most} height="8" rx="1" fill="var(--accent)" />
              <rect
                x={(100 * (customers - pastDue)) / most}
                width={(100 * pastDue) / most}
                height="8"
                fill="var(--bad)"
              />
            </svg>
            <span className="min-w-14 text-right tabular-nums">
              {formatWhole(customers)}
              {pastDue ? (
                <span className="block text-2xs text-bad">{plural(pastDue, "past due", "past due")}</span>
              ) : null}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
