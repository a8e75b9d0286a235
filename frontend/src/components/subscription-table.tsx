"use client";

import Link from "next/link";
import { words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { usePager } from "@/lib/pager";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { Button } from "./button";
import { Card } from "./card";
import { choices, FilterSelect, SearchInput, Segmented } from "./form";
import { Empty, Loaded } from "./states";
import { Chip, Status, TIERS, Tier } from "./status";
import { Listing } from "./table";
import { Day, Id, Money, Nothing, When } from "./value";

const PAGE = 25;

const SUBSCRIPTIONS = graphql(`
  query Subscriptions($first: Int!, $after: String, $filter: SubscriptionFilter, $orderBy: SubscriptionOrder!) {
    subscriptions(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
      totalCount
      nodes {
        id
        status
        tier
        billingPeriod
        price { minorUnits currency amount }
        currentPeriod { start end }
        cancelAtPeriodEnd
        scheduledChange { tier billingPeriod price { minorUnits currency amount } }
        customer { entityId name }
        unpaidInvoices { id status amount { minorUnits currency amount } dueDate failedAttempts nextAttemptAt }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Row = ResultOf<typeof SUBSCRIPTIONS>["subscriptions"]["nodes"][number];

const VIEWS = [
  { value: "live", label: "Renewals" },
  { value: "changes", label: "Scheduled changes" },
  { value: "past-due", label: "Past due" },
  { value: "unpaid", label: "Unpaid" },
  { value: "ended", label: "Ended" },
  { value: "all", label: "All" },
] as const;
type View = (typeof VIEWS)[number]["value"];

const FILTERS = {
  live: { live: true },
  changes: { scheduled: true },
  "past-due": { status: "PAST_DUE" },
  unpaid: { unpaid: true },
  ended: { live: false },
  all: {},
} as const;

const NONE: Record<View, string> = {
  live: "No subscription is live",
  changes: "No change waits for a period end",
  "past-due": "Nobody is past due",
  unpaid: "Every invoice is paid",
  ended: "None has ended",
  all: "No subscriptions yet",
};

export function SubscriptionTable() {
  const pager = usePager();
  const { parameters } = pager;
  const view = VIEWS.find((each) => each.value === parameters.get("view"))?.value ?? "live";
  const tier = TIERS.find((each) => each === parameters.get("tier")) ?? null;
  const entityId = parameters.get("customer") || null;
  const live = useLive(SUBSCRIPTIONS, {
    first: PAGE,
    after: pager.after,
    // A customer that was looked up is found in whatever state.
    filter: { tier, entityId, ...(entityId ? {} : FILTERS[view]) },
    orderBy: view === "ended" || view === "all" ? "NEWEST" : "PERIOD_END",
  });
  return (
    <Card flush>
      <div className="flex flex-wrap items-center gap-2 border-b p-3">
        <Segmented
          legend="Which subscriptions"
          value={view}
          choices={VIEWS}
          onChange={(next) => pager.filter({ view: next })}
        />
        <SearchInput
          label="Look up by entity id"
          placeholder="Look up by entity id"
          value={entityId ?? ""}
          onChange={(next) => pager.filter({ customer: next.trim() })}
        />
        <FilterSelect
          label="Tier"
          value={tier ?? ""}
          choices={choices(TIERS)}
          onChange={(next) => pager.filter({ tier: next })}
        />
      </div>
      <Loaded live={live} label="subscriptions" rows={8}>
        {({ subscriptions }) => (
          <Listing
            label="Subscriptions"
            one="subscription"
            page={subscriptions}
            pager={pager}
            head={
              <>
                <th>Customer</th>
                <th>Plan</th>
                <th>Status</th>
                <th>Period</th>
                <th>Then</th>
                <th>Unpaid</th>
              </>
            }
            empty={
              entityId ? (
                <Empty
                  title="No customer has this entity id"
                  action={<Button onClick={() => pager.filter({ customer: null })}>Show all again</Button>}
                >
                  It takes the whole id, as it was onboarded: “{entityId}” is nobody’s.
                </Empty>
              ) : (
                <Empty title={NONE[view]} />
              )
            }
          >
            {(row) => <SubscriptionRow key={row.id} row={row} />}
          </Listing>
        )}
      </Loaded>
    </Card>
  );
}

function SubscriptionRow({ row }: { row: Row }) {
  const live = ["PENDING", "ACTIVE", "PAST_DUE"].includes(row.status);
  return (
    <tr>
      <td className="min-w-44 max-w-64 max-sm:min-w-36 max-sm:max-w-36">
        <Link
          href={customerPath(row.customer.entityId)}
          prefetch={false}
          className="block truncate leading-6 font-medium hover:text-accent hover:underline"
          title={row.customer.name}
        >
          {row.customer.name}
        </Link>
        <Id value={row.customer.entityId} label="entity id" />
      </td>
      <td>
        <Tier value={row.tier} />
        <span className="block text-xs whitespace-nowrap text-muted">
          <Money value={row.price} /> {words(row.billingPeriod).toLowerCase()}
        </span>
      </td>
      <td>
        <Status value={row.status} />
      </td>
      <td className="whitespace-nowrap">
        <Day day={row.currentPeriod.start} /> –
        <span className="block">
          <Day day={row.currentPeriod.end} />
        </span>
      </td>
      <td>{live ? <Then row={row} /> : <Nothing why="ended" />}</td>
      <td>
        {row.unpaidInvoices.length ? (
          <ul className="space-y-0.5">
            {row.unpaidInvoices.map((invoice) => (
              <li key={invoice.id} className="whitespace-nowrap">
                <Money value={invoice.amount} />{" "}
                <span className={`text-xs ${invoice.failedAttempts ? "text-bad" : "text-muted"}`}>
                  {invoice.nextAttemptAt ? (
                    <>
                      next attempt <When at={invoice.nextAttemptAt} />
                    </>
                  ) : invoice.status === "UNCOLLECTIBLE" ? (
                    "uncollectible"
                  ) : (
                    <>
                      due <Day day={invoice.dueDate} />
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        ) : (
          <Nothing why="nothing" />
        )}
      </td>
    </tr>
  );
}

function Then({ row }: { row: Row }) {
  if (row.cancelAtPeriodEnd) return <Chip tone="warn">Ends</Chip>;
  const change = row.scheduledChange;
  if (change) {
    return (
      <>
        <Chip tone="info">Changes to {words(change.tier)}</Chip>
        <span className="block text-xs text-muted">
          <Money value={change.price} /> {words(change.billingPeriod).toLowerCase()}
        </span>
      </>
    );
  }
  return (
    <span className="whitespace-nowrap text-muted">
      renews
      {row.price.minorUnits ? (
        <>
          , <Money value={row.price} />
        </>
      ) : (
        " for free"
      )}
    </span>
  );
}
