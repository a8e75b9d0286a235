"use client";

import type { ReactNode } from "react";
import { words } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useVerb } from "@/lib/verb";
import { Button } from "../button";
import { Problems } from "../problems";
import { toast } from "../toast";
import { Day, Money, When } from "../value";
import type { Customer } from "./data";

const WITHDRAW = graphql(`
  mutation WithdrawChange($input: WithdrawScheduledChangeInput!) {
    withdrawScheduledChange(input: $input) {
      subscription { status }
      userErrors { code message field }
    }
  }
`);

const KEEP = graphql(`
  mutation KeepSubscription($input: ReactivateInput!) {
    reactivate(input: $input) {
      subscription { status }
      userErrors { code message field }
    }
  }
`);

const LOOKS = {
  bad: "bg-bad-soft text-bad",
  warn: "bg-warn-soft text-warn",
  info: "bg-info-soft text-info",
};

function Notice({ tone, children, action }: { tone: keyof typeof LOOKS; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={`flex flex-wrap items-center justify-between gap-3 rounded-md px-3 py-2 text-sm ${LOOKS[tone]}`}>
      <p className="min-w-0">{children}</p>
      {action}
    </div>
  );
}

const DRIFTED = {
  NAME: "has another name for this customer",
  EMAIL: "has another e-mail address for this customer",
  DELETED: "has deleted this customer: nothing can be collected until a person has looked",
};

/** What somebody who opens this customer should know first. */
export function Notices({ customer }: { customer: Customer }) {
  const { entityId, subscription } = customer;
  const withdraw = useVerb(WITHDRAW);
  const keep = useVerb(KEEP);
  const unpaid = subscription.unpaidInvoices.filter((invoice) => invoice.failedAttempts > 0);
  const late = unpaid[0];
  const change = subscription.scheduledChange;
  return (
    <div className="mb-4 space-y-2 empty:hidden">
      {late ? (
        <Notice tone="bad">
          {unpaid.length === 1 ? (
            <>
              An invoice of <Money value={late.amount} /> could not be collected. It
            </>
          ) : (
            <>
              {unpaid.length} invoices could not be collected. The first, of <Money value={late.amount} />,
            </>
          )}
          {late.nextAttemptAt ? (
            <>
              {" "}
              is tried again by itself <When at={late.nextAttemptAt} />, or now with “Pay now” below.
            </>
          ) : (
            <> is not tried again by itself; it can still be paid below.</>
          )}
        </Notice>
      ) : null}
      {customer.drift.map((drift) => (
        <Notice key={drift.provider + drift.kind} tone={drift.kind === "DELETED" ? "bad" : "warn"}>
          {words(drift.provider)} {DRIFTED[drift.kind]}. Noticed <When at={drift.since} />.
        </Notice>
      ))}
      {change ? (
        <Notice
          tone="info"
          action={
            <Button
              needs="withdrawScheduledChange"
              busy={withdraw.busy}
              onClick={async () => {
                if (await withdraw.run({ entityId })) toast("The change is withdrawn; the plan renews as it is");
              }}
            >
              Withdraw the change
            </Button>
          }
        >
          On <Day day={change.effectiveOn} /> it changes to {words(change.tier)},{" "}
          {words(change.billingPeriod).toLowerCase()}, for <Money value={change.price} />.
        </Notice>
      ) : null}
      {subscription.cancelAtPeriodEnd ? (
        <Notice
          tone="warn"
          action={
            <Button
              needs="reactivate"
              busy={keep.busy}
              onClick={async () => {
                if (await keep.run({ entityId })) toast("The cancellation is taken back; the plan renews");
              }}
            >
              Keep the subscription
            </Button>
          }
        >
          It ends on <Day day={subscription.currentPeriod.end} />; until then everything works.
        </Notice>
      ) : null}
      {withdraw.errors.length + keep.errors.length ? <Problems errors={[...withdraw.errors, ...keep.errors]} /> : null}
    </div>
  );
}
