"use client";

import { cardName } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useVerb } from "@/lib/verb";
import { Button } from "../button";
import { type Customer, isLive, type PaymentMethod } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Problems } from "../problems";
import { toast } from "../toast";

const DETACH = graphql(`
  mutation DetachCard($input: DetachPaymentMethodInput!) {
    detachPaymentMethod(input: $input) {
      warnings { code message }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

export function DetachCard({
  customer,
  method,
  onClose,
}: {
  customer: Customer;
  method: PaymentMethod;
  onClose: () => void;
}) {
  const detach = useVerb(DETACH);
  const { subscription } = customer;
  const pays = method.isDefault && isLive(subscription) && subscription.price.minorUnits > 0;
  const confirm = async () => {
    const answer = await detach.run({ entityId: customer.entityId, paymentMethodId: method.id });
    if (!answer) return;
    toast(answer.warnings[0]?.message ?? `${cardName(method)} is removed`, { good: !answer.warnings.length });
    onClose();
  };
  return (
    <Dialog title={`Remove ${cardName(method)}`} onClose={onClose}>
      <Problems errors={detach.errors} />
      <ul className="list-disc space-y-1 pl-5 text-sm text-muted">
        <li>Stripe forgets the card for this customer, for good: the same card would have to be entered anew.</li>
        {pays ? (
          <li className="text-bad">
            It is the default, and the plan costs money: the next invoice stays open unless another card becomes the
            default.
          </li>
        ) : null}
      </ul>
      <DialogActions>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" busy={detach.busy} onClick={confirm}>
          Remove the card
        </Button>
      </DialogActions>
    </Dialog>
  );
}
