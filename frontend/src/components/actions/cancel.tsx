"use client";

import { useState } from "react";
import { today } from "@/lib/clock";
import { daysBetween, formatDay, plural, words } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useVerb } from "@/lib/verb";
import { Button } from "../button";
import type { Customer } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Segmented } from "../form";
import { Problems } from "../problems";
import { toast } from "../toast";
import { Money } from "../value";

const CANCEL = graphql(`
  mutation Cancel($input: CancelInput!) {
    cancel(input: $input) {
      subscription { status cancelAtPeriodEnd }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

type Effective = "AT_PERIOD_END" | "IMMEDIATELY";

const WHEN = [
  { value: "AT_PERIOD_END" as const, label: "At the period end" },
  { value: "IMMEDIATELY" as const, label: "Now" },
];

export function Cancel({ customer, onClose }: { customer: Customer; onClose: () => void }) {
  const [effective, setEffective] = useState<Effective>("AT_PERIOD_END");
  const [credit, setCredit] = useState(true);
  const cancel = useVerb(CANCEL);
  const { subscription } = customer;
  const now = effective === "IMMEDIATELY";
  const paid = subscription.price.minorUnits > 0;
  const confirm = async () => {
    if (!(await cancel.run({ entityId: customer.entityId, effective, creditUnusedTime: credit }))) return;
    toast(now ? "The subscription has ended" : "It ends with its period; that can be taken back until then");
    onClose();
  };
  return (
    <Dialog title={`Cancel the subscription of ${customer.name}`} onClose={onClose}>
      <div className="space-y-4 text-sm">
        <Segmented legend="When it ends" value={effective} choices={WHEN} onChange={setEffective} />
        <Problems errors={cancel.errors} />
        <div>
          <p className="mb-1 font-medium">What will happen</p>
          <ul className="list-disc space-y-1 pl-5 text-muted">
            {now ? (
              <>
                <li>The {words(subscription.tier)} contract ends at Metronome today.</li>
                <li>
                  What is left of the allowance ends with it; the balance is{" "}
                  {customer.credits.balance.toLocaleString("en-US")} credits. Credits granted by hand stay.
                </li>
                <li>{creditSentence(paid, credit, subscription.currentPeriod.end)}</li>
                <li>
                  Open invoices stay open
                  {paid && credit ? "; what they hold of the days left is credited once they are paid." : "."}
                </li>
              </>
            ) : (
              <>
                <li>Everything works until {formatDay(subscription.currentPeriod.end)}, then it ends by itself.</li>
                <li>Nothing more is invoiced, and nothing is given back.</li>
                <li>A scheduled change is withdrawn. Until then the cancellation can be taken back.</li>
              </>
            )}
          </ul>
        </div>
        {now && paid ? (
          <label className="flex items-start gap-2">
            <input
              type="checkbox"
              checked={credit}
              onChange={(event) => setCredit(event.target.checked)}
              className="mt-1 accent-(--accent-fill)"
            />
            <span>
              Credit the unused days to the account balance
              <span className="block text-xs text-faint">
                At most what was paid for this period, of <Money value={subscription.price} />
              </span>
            </span>
          </label>
        ) : null}
      </div>
      <DialogActions>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" busy={cancel.busy} onClick={confirm}>
          {now ? "End it now" : `End it on ${formatDay(subscription.currentPeriod.end)}`}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function creditSentence(paid: boolean, credit: boolean, end: string): string {
  if (!paid) return "Nothing was paid, so nothing is credited.";
  const days = plural(Math.max(0, daysBetween(today(), end)), "day");
  return credit
    ? `The ${days} left of the period are credited to the account balance as far as they are paid for. It pays the next invoices.`
    : `The ${days} left of the period are not credited.`;
}
