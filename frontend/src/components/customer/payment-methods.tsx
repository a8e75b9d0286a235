"use client";

import { CreditCard } from "lucide-react";
import { useState } from "react";
import { cardName } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useVerb } from "@/lib/verb";
import { AttachCard } from "../actions/attach-card";
import { DetachCard } from "../actions/detach-card";
import { Button } from "../button";
import { Card } from "../card";
import { Problems } from "../problems";
import { Empty } from "../states";
import { Chip } from "../status";
import { toast } from "../toast";
import type { Customer, PaymentMethod } from "./data";

const SET_DEFAULT = graphql(`
  mutation SetDefault($input: SetDefaultPaymentMethodInput!) {
    setDefaultPaymentMethod(input: $input) {
      paymentMethod { last4 }
      userErrors { code message field }
    }
  }
`);

export function PaymentMethods({ customer }: { customer: Customer }) {
  const [attaching, setAttaching] = useState(false);
  const [detaching, setDetaching] = useState<PaymentMethod | null>(null);
  const setDefault = useVerb(SET_DEFAULT);
  const makeDefault = async (method: PaymentMethod) => {
    if (await setDefault.run({ entityId: customer.entityId, paymentMethodId: method.id })) {
      toast(`Invoices are collected with ${cardName(method)} from now on`);
    }
  };
  return (
    <Card
      title="Payment methods"
      actions={
        <Button needs="attachPaymentMethod" onClick={() => setAttaching(true)}>
          Add
        </Button>
      }
      flush
    >
      {setDefault.errors.length ? (
        <div className="p-3">
          <Problems errors={setDefault.errors} />
        </div>
      ) : null}
      {customer.paymentMethods.length ? (
        <ul className="divide-y">
          {customer.paymentMethods.map((method) => (
            <li key={method.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
              <CreditCard aria-hidden className="size-4 shrink-0 text-faint" />
              <span className="font-medium whitespace-nowrap">{cardName(method)}</span>
              {method.expMonth ? (
                <span className="text-xs text-muted tabular-nums">
                  {String(method.expMonth).padStart(2, "0")}/{method.expYear}
                </span>
              ) : null}
              {method.isDefault ? <Chip tone="ok">Default</Chip> : null}
              <span className="ml-auto flex gap-1">
                {method.isDefault ? null : (
                  <Button
                    look="quiet"
                    needs="setDefaultPaymentMethod"
                    busy={setDefault.busy}
                    onClick={() => makeDefault(method)}
                  >
                    Make default
                  </Button>
                )}
                <Button
                  look="quiet"
                  needs="detachPaymentMethod"
                  aria-label={`Remove ${cardName(method)}`}
                  onClick={() => setDetaching(method)}
                >
                  Remove
                </Button>
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <Empty title="No card on file">Invoices stay open until one is added.</Empty>
      )}
      {attaching ? <AttachCard customer={customer} onClose={() => setAttaching(false)} /> : null}
      {detaching ? <DetachCard customer={customer} method={detaching} onClose={() => setDetaching(null)} /> : null}
    </Card>
  );
}
