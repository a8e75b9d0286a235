"use client";

import { formatWhole, plural } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { useRefusal } from "@/lib/viewer";
import { Activity } from "./activity";
import { Card } from "./card";
import { Amounts, Figure, TierBars } from "./figures";
import { Health } from "./health";
import { Pipeline } from "./pipeline";
import { LiveProblem, Skeleton } from "./states";
import { Allowed, Refused } from "./viewer";

const OVERVIEW = graphql(`
  query Overview {
    overview {
      customers
      tiers { tier customers pastDue }
      monthlyRecurringRevenue { minorUnits currency amount }
      openInvoices { invoices due { minorUnits currency amount } }
      pastDueInvoices { invoices due { minorUnits currency amount } }
      scheduledChanges
      webhooks { waiting parked dead }
      operations { running stuck requiresAction failedLastDay }
      stations { name settled moving troubled }
    }
  }
`);

export function Dashboard() {
  if (useRefusal("overview") === null) return <Business />;
  return (
    <div className="space-y-4">
      <Card flush>
        <Refused needs="overview" what="The figures of the business" />
      </Card>
      <Allowed needs="latestActivity" what="Activity">
        <Activity first={16} />
      </Allowed>
    </div>
  );
}

function Business() {
  const live = useLive(OVERVIEW, {}, { everySeconds: 10, restSeconds: 1 });
  const overview = live.data?.overview;
  const inbox = overview?.webhooks;
  const operations = overview?.operations;
  const late = overview?.pastDueInvoices;
  return (
    <div className="space-y-4">
      <LiveProblem live={live} />
      <section aria-label="Key figures" className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-6">
        <Figure
          label="Monthly recurring revenue"
          href="/subscriptions/?view=live"
          value={overview ? <Amounts amounts={overview.monthlyRecurringRevenue} /> : undefined}
          detail={overview ? "yearly plans ÷ 12" : null}
        />
        <Figure
          label="Customers"
          href="/customers/"
          value={overview ? formatWhole(overview.customers) : undefined}
          detail={overview ? `${formatWhole(sum(overview.tiers.map((each) => each.customers)))} live` : null}
        />
        <Figure
          label="Open invoices"
          href="/subscriptions/?view=unpaid"
          value={overview ? formatWhole(overview.openInvoices.invoices) : undefined}
          detail={overview?.openInvoices.due.length ? <Amounts amounts={overview.openInvoices.due} /> : "nothing owed"}
        />
        <Figure
          label="Past due"
          href="/subscriptions/?view=past-due"
          value={late ? formatWhole(late.invoices) : undefined}
          detail={late?.due.some((each) => each.minorUnits) ? <Amounts amounts={late.due} /> : "nothing late"}
          alarming={Boolean(late?.invoices)}
        />
        <Figure
          label="Operations running"
          href="/operations/"
          value={operations ? formatWhole(operations.running + operations.requiresAction) : undefined}
          detail={
            operations ? (
              <Trouble
                parts={[
                  [operations.stuck, "stuck"],
                  [operations.requiresAction, "for the payer"],
                  [operations.failedLastDay, "failed in 24 h"],
                ]}
                none="none stuck"
              />
            ) : null
          }
        />
        <Figure
          label="Webhooks waiting"
          href="/webhooks/"
          value={inbox ? formatWhole(inbox.waiting) : undefined}
          detail={
            inbox ? (
              <Trouble
                parts={[
                  [inbox.dead, "dead"],
                  [inbox.parked, "parked"],
                ]}
                none="none dead"
              />
            ) : null
          }
        />
      </section>
      <Pipeline stations={overview?.stations} />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
        <Activity first={16} />
        <div className="min-w-0 space-y-4">
          <Health />
          <Card
            title="Live customers by tier"
            hint={overview?.scheduledChanges ? plural(overview.scheduledChanges, "scheduled change") : null}
          >
            {overview ? <TierBars tiers={overview.tiers} /> : <Skeleton className="h-28 w-full" />}
          </Card>
        </div>
      </div>
    </div>
  );
}

function Trouble({ parts, none }: { parts: [number, string][]; none: string }) {
  const some = parts.filter(([count]) => count > 0);
  if (!some.length) return none;
  return <span className="text-bad">{some.map(([count, what]) => `${formatWhole(count)} ${what}`).join(", ")}</span>;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
