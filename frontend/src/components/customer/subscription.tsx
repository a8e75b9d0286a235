"use client";

import { daysBetween, formatWhole, plural, words } from "@/lib/format";
import { useNow } from "@/lib/use-live";
import { Card, Facts } from "../card";
import { Chip, Tier } from "../status";
import { Day, Money, Nothing } from "../value";
import { type Customer, isLive, type Subscription } from "./data";

export function SubscriptionCard({ customer }: { customer: Customer }) {
  const { subscription } = customer;
  return (
    <Card
      title="Subscription"
      hint={words(subscription.billingPeriod)}
      actions={subscription.cancelAtPeriodEnd ? <Chip tone="warn">Ends with the period</Chip> : null}
    >
      <div className="grid gap-x-8 gap-y-4 md:grid-cols-2">
        <div className="min-w-0">
          <p className="flex flex-wrap items-baseline gap-x-2">
            <span className="text-lg font-semibold">
              <Money value={subscription.price} />
            </span>
            <span className="text-sm text-muted">
              for each {subscription.billingPeriod === "MONTHLY" ? "month" : "year"} on
            </span>
            <Tier value={subscription.tier} />
          </p>
          <PeriodBar subscription={subscription} />
        </div>
        <Facts
          rows={[
            ["Next invoice", <NextInvoice key="n" subscription={subscription} />],
            ["Allowance", `${formatWhole(subscription.creditsPerMonth)} credits a month`],
            ["Then", <Then key="t" subscription={subscription} />],
            ["Account balance", <Money key="b" value={customer.accountBalance} />],
            ["Anchor", <Day key="a" day={subscription.anchor} />],
          ]}
        />
      </div>
    </Card>
  );
}

function NextInvoice({ subscription }: { subscription: Subscription }) {
  const price = subscription.scheduledChange?.price ?? subscription.price;
  if (!isLive(subscription) || subscription.cancelAtPeriodEnd) return <Nothing />;
  if (price.minorUnits === 0) return <>none while it is free</>;
  return (
    <>
      <Money value={price} /> on <Day day={subscription.currentPeriod.end} />
    </>
  );
}

function Then({ subscription }: { subscription: Subscription }) {
  const change = subscription.scheduledChange;
  if (!isLive(subscription)) return <>ended</>;
  if (subscription.cancelAtPeriodEnd) return <>ends</>;
  if (!change) return <>renews as it is</>;
  return (
    <>
      {words(change.tier)}, {words(change.billingPeriod).toLowerCase()}, <Money value={change.price} />
    </>
  );
}

const DAY_MS = 86_400_000;

function PeriodBar({ subscription }: { subscription: Subscription }) {
  const now = useNow(60);
  const { start, end } = subscription.currentPeriod;
  const total = daysBetween(start, end);
  const gone = Math.min(total, Math.max(0, Math.floor((now - Date.parse(`${start}T00:00:00Z`)) / DAY_MS)));
  return (
    <div className="mt-4">
      <svg
        role="img"
        aria-label={`${gone} of ${plural(total, "day")} of the period have passed`}
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        className="h-1.5 w-full"
      >
        <rect width="100" height="6" rx="1" fill="var(--line)" />
        <rect width={(100 * gone) / total} height="6" rx="1" fill="var(--accent)" />
      </svg>
      <p className="mt-1.5 flex justify-between gap-4 text-xs text-muted">
        <Day day={start} />
        <span className="text-faint">{isLive(subscription) ? `${plural(total - gone, "day")} left` : "over"}</span>
        <Day day={end} />
      </p>
    </div>
  );
}
