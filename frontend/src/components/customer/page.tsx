"use client";

import { useSearchParams } from "next/navigation";
import { words } from "@/lib/format";
import { useLive } from "@/lib/use-live";
import { CustomerActions } from "../actions/menu";
import { Activity } from "../activity";
import { LinkButton } from "../button";
import { Card, Facts, PageHead } from "../card";
import { Empty, LiveProblem, Skeleton } from "../states";
import { Status, Tier } from "../status";
import { Id, When } from "../value";
import { Credits } from "./credits";
import { CUSTOMER, type Customer } from "./data";
import { Events } from "./events";
import { Invoices } from "./invoices";
import { Notices } from "./notices";
import { Operations } from "./operations";
import { PaymentMethods } from "./payment-methods";
import { Payments } from "./payments";
import { SubscriptionCard } from "./subscription";

export function CustomerPage() {
  const entityId = useSearchParams().get("id") ?? "";
  const live = useLive(CUSTOMER, { entityId }, { pause: !entityId, concerns: (event) => event.entityId === entityId });
  const customer = live.data?.customer;
  if (!entityId || (live.data && !customer)) return <Unknown entityId={entityId} />;
  return (
    <>
      <title>{`${customer?.name ?? entityId} · Billing`}</title>
      <LiveProblem live={live} className="mb-4" />
      {customer?.entityId === entityId ? <Known customer={customer} /> : <Waiting entityId={entityId} />}
    </>
  );
}

function Known({ customer }: { customer: Customer }) {
  const { entityId, subscription } = customer;
  return (
    <>
      <PageHead
        title={customer.name}
        lead={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <Status value={subscription.status} />
            <Tier value={subscription.tier} />
            <span>{words(customer.entityType)}</span>
            <Id value={entityId} label="entity id" />
          </span>
        }
        actions={<CustomerActions customer={customer} />}
      />
      <Notices customer={customer} />
      {/* Beside each other where there is room; else what is short and asked for most comes before the long lists. */}
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 xl:grid-cols-[minmax(0,1.9fr)_minmax(18rem,1fr)] xl:grid-rows-[auto_1fr]">
        <SubscriptionCard customer={customer} />
        <div className="min-w-0 gap-4 max-xl:contents xl:col-start-2 xl:row-span-2 xl:row-start-1 xl:flex xl:flex-col">
          <PaymentMethods customer={customer} />
          <Profile customer={customer} />
          <div className="min-w-0 max-xl:order-last">
            <Activity entityId={entityId} first={20} />
          </div>
        </div>
        <div className="min-w-0 space-y-4">
          <Credits customer={customer} />
          <Invoices customer={customer} />
          <Payments entityId={entityId} />
          <Operations entityId={entityId} />
          <Events entityId={entityId} />
        </div>
      </div>
    </>
  );
}

function Profile({ customer }: { customer: Customer }) {
  const notes = Object.entries(customer.metadata);
  return (
    <Card title="Profile">
      <Facts
        rows={[
          ["E-mail", customer.email],
          ["Type", words(customer.entityType)],
          ["Metronome", <Id key="m" value={customer.metronomeCustomerId} label="Metronome customer id" />],
          ["Contract", <Id key="k" value={customer.subscription.metronomeContractId} label="Metronome contract id" />],
          ["Stripe", <Id key="s" value={customer.stripeCustomerId} label="Stripe customer id" />],
          ["Internal", <Id key="i" value={customer.id} label="internal id" />],
          ["Since", <When key="c" at={customer.createdAt} full />],
          ...notes.map(([name, value]): [string, string] => [name, value]),
        ]}
      />
    </Card>
  );
}

function Waiting({ entityId }: { entityId: string }) {
  return (
    <>
      <PageHead title={<Skeleton className="h-7 w-56" />} lead={`Loading ${entityId}`} />
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1.9fr)_minmax(18rem,1fr)]">
        <Skeleton className="h-64 w-full" />
        <Skeleton className="h-64 w-full" />
      </div>
    </>
  );
}

function Unknown({ entityId }: { entityId: string }) {
  return (
    <>
      <h1 className="sr-only">Unknown customer</h1>
      <Empty
        title={entityId ? "There is no customer with this id" : "Which customer?"}
        action={<LinkButton href="/customers/">To all customers</LinkButton>}
      >
        {entityId ? `Nobody was onboarded as ${entityId}.` : "Choose one from the list."}
      </Empty>
    </>
  );
}
