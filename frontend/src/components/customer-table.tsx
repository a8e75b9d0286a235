"use client";

import { Building2, User } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { usePager } from "@/lib/pager";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { Button, LinkButton } from "./button";
import { Card } from "./card";
import { choices, FilterSelect, SearchInput } from "./form";
import { Empty, Loaded } from "./states";
import { Chip, Status, TIERS, Tier } from "./status";
import { Listing } from "./table";
import { Day, Id, Money, Nothing, When, Whole } from "./value";

const PAGE = 25;

const CUSTOMERS = graphql(`
  query Customers($first: Int!, $after: String, $filter: CustomerFilter, $orderBy: CustomerOrder!) {
    customers(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
      totalCount
      nodes {
        entityId
        entityType
        name
        email
        createdAt
        accountBalance { minorUnits currency amount }
        credits { balance }
        subscription {
          status
          tier
          billingPeriod
          price { minorUnits currency amount }
          currentPeriod { start end }
          cancelAtPeriodEnd
          scheduledChange { tier price { minorUnits currency amount } }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Row = ResultOf<typeof CUSTOMERS>["customers"]["nodes"][number];
type TierName = (typeof TIERS)[number];
type StatusName = Row["subscription"]["status"];
type TypeName = Row["entityType"];
type Order = "NEWEST" | "OLDEST" | "NAME";

const STATUSES: StatusName[] = ["ACTIVE", "PAST_DUE", "PENDING", "CANCELLED", "EXPIRED"];
const TYPES: TypeName[] = ["USER", "ORGANIZATION"];
const ORDERS: { value: Order; label: string }[] = [
  { value: "OLDEST", label: "Oldest first" },
  { value: "NAME", label: "By name" },
];

function among<T extends string>(known: readonly T[], value: string | null): T | null {
  return known.find((each) => each === value) ?? null;
}

export function CustomerTable() {
  const pager = usePager();
  const text = pager.parameters.get("text") ?? "";
  const tier = among(TIERS, pager.parameters.get("tier")) as TierName | null;
  const status = among(STATUSES, pager.parameters.get("status"));
  const type = among(TYPES, pager.parameters.get("type"));
  const orderBy = among(
    ORDERS.map((order) => order.value),
    pager.parameters.get("order"),
  );
  const filtered = Boolean(text || tier || status || type);
  const live = useLive(CUSTOMERS, {
    first: PAGE,
    after: pager.after,
    filter: { text: text || null, tier, status, type },
    orderBy: orderBy ?? "NEWEST",
  });
  return (
    <Card flush>
      <div className="flex flex-wrap items-center gap-2 border-b p-3">
        <SearchInput
          label="Search customers"
          placeholder="Name, e-mail or id"
          value={text}
          onChange={(next) => pager.filter({ text: next })}
        />
        <FilterSelect
          label="Tier"
          value={tier ?? ""}
          choices={choices(TIERS)}
          onChange={(next) => pager.filter({ tier: next })}
        />
        <FilterSelect
          label="Status"
          value={status ?? ""}
          choices={choices(STATUSES)}
          onChange={(next) => pager.filter({ status: next })}
        />
        <FilterSelect
          label="Type"
          value={type ?? ""}
          choices={choices(TYPES)}
          onChange={(next) => pager.filter({ type: next })}
        />
        <FilterSelect
          label="Order"
          none="Newest first"
          value={orderBy ?? ""}
          choices={ORDERS}
          onChange={(next) => pager.filter({ order: next })}
        />
        {filtered ? (
          <Button look="quiet" onClick={() => pager.filter({ text: null, tier: null, status: null, type: null })}>
            Clear
          </Button>
        ) : null}
      </div>
      <Loaded live={live} label="customers" rows={8}>
        {({ customers }) => (
          <Listing
            label="Customers"
            one="customer"
            page={customers}
            pager={pager}
            head={
              <>
                <th>Customer</th>
                <th>Tier</th>
                <th>Status</th>
                <th className="!text-right">Credits</th>
                <th className="!text-right">Account balance</th>
                <th className="!text-right">Next invoice</th>
                <th className="!text-right">Since</th>
              </>
            }
            empty={
              filtered ? (
                <Empty
                  title="No customer is like that"
                  action={
                    <Button onClick={() => pager.filter({ text: null, tier: null, status: null, type: null })}>
                      Clear the filters
                    </Button>
                  }
                >
                  All filters must hold at once.
                </Empty>
              ) : (
                <Empty
                  title="No customers yet"
                  action={
                    <LinkButton look="primary" needs="onboard" href="/customers/new/">
                      New customer
                    </LinkButton>
                  }
                >
                  The first one is onboarded at Metronome and Stripe while you watch.
                </Empty>
              )
            }
          >
            {(row) => <CustomerRow key={row.entityId} row={row} />}
          </Listing>
        )}
      </Loaded>
    </Card>
  );
}

function CustomerRow({ row }: { row: Row }) {
  const router = useRouter();
  const { subscription } = row;
  const Icon = row.entityType === "USER" ? User : Building2;
  const href = customerPath(row.entityId);
  return (
    // The link in the first cell does the same for keyboards and screen readers.
    <tr
      className="cursor-pointer"
      onClick={(event) => {
        if (!(event.target as Element).closest("a, button")) router.push(href);
      }}
    >
      <td className="min-w-52 max-w-80 max-sm:min-w-36 max-sm:max-w-36">
        <div className="flex items-center gap-2.5">
          <span
            title={words(row.entityType)}
            className="flex size-7 shrink-0 items-center justify-center rounded-full bg-line/70 text-muted max-sm:hidden"
          >
            <Icon aria-hidden className="size-3.5" />
            <span className="sr-only">{words(row.entityType)}</span>
          </span>
          <div className="min-w-0 flex-1">
            <Link
              href={href}
              prefetch={false}
              className="block truncate leading-6 font-medium hover:text-accent hover:underline"
              title={row.name}
            >
              {row.name}
            </Link>
            <Id value={row.entityId} label="entity id" />
          </div>
        </div>
      </td>
      <td>
        <Tier value={subscription.tier} />
        <span className="block text-xs text-muted">{words(subscription.billingPeriod)}</span>
      </td>
      <td>
        <Status value={subscription.status} />
        {subscription.cancelAtPeriodEnd ? (
          <span className="mt-0.5 block text-xs text-warn">ends with the period</span>
        ) : null}
        {subscription.scheduledChange ? (
          <span className="mt-0.5 block text-xs text-info">then {words(subscription.scheduledChange.tier)}</span>
        ) : null}
      </td>
      <td className="text-right">
        <Whole value={row.credits.balance} />
      </td>
      <td className="text-right">
        {row.accountBalance.minorUnits === 0 ? <Nothing why="zero" /> : <Money value={row.accountBalance} />}
      </td>
      <td className="text-right">
        <NextInvoice subscription={subscription} />
      </td>
      <td className="text-right text-muted">
        <When at={row.createdAt} />
      </td>
    </tr>
  );
}

function NextInvoice({ subscription }: { subscription: Row["subscription"] }) {
  const price = subscription.scheduledChange?.price ?? subscription.price;
  const live = ["ACTIVE", "PAST_DUE"].includes(subscription.status);
  if (!live || subscription.cancelAtPeriodEnd) return <Nothing />;
  if (price.minorUnits === 0) return <Chip tone="idle">Free</Chip>;
  return (
    <>
      <Money value={price} />
      <span className="block text-xs text-muted">
        <Day day={subscription.currentPeriod.end} />
      </span>
    </>
  );
}
