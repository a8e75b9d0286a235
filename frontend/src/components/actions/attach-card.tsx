"use client";

import { useState } from "react";
import { graphql } from "@/lib/graphql";
import { otherProblems, problemOf, useVerb } from "@/lib/verb";
import { Button } from "../button";
import { CardPicker } from "../card-picker";
import type { Customer } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Problems } from "../problems";
import { toast } from "../toast";

const ATTACH = graphql(`
  mutation AttachCard($input: AttachPaymentMethodInput!) {
    attachPaymentMethod(input: $input) {
      paymentMethod { last4 }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

export function AttachCard({ customer, onClose }: { customer: Customer; onClose: () => void }) {
  const [card, setCard] = useState("pm_card_visa");
  const [makeDefault, setMakeDefault] = useState(true);
  const attach = useVerb(ATTACH);
  const confirm = async () => {
    const answer = await attach.run({ entityId: customer.entityId, paymentMethodId: card, makeDefault });
    if (!answer) return;
    toast(`The card ${answer.paymentMethod?.last4 ? `•••• ${answer.paymentMethod.last4} ` : ""}is on file`);
    onClose();
  };
  return (
    <Dialog title={`Add a card for ${customer.name}`} onClose={onClose}>
      <div className="space-y-3 text-sm">
        <Problems errors={otherProblems(attach.errors, "paymentMethodId")} />
        <CardPicker value={card} onChange={setCard} problem={problemOf(attach.errors, "paymentMethodId")} />
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            checked={makeDefault}
            onChange={(event) => setMakeDefault(event.target.checked)}
            className="mt-1 accent-(--accent-fill)"
          />
          <span>
            Collect invoices with it from now on
            <span className="block text-xs text-faint">Overdue invoices are tried with it at once.</span>
          </span>
        </label>
      </div>
      <DialogActions>
        <Button onClick={onClose}>Leave it</Button>
        <Button look="primary" busy={attach.busy} disabled={!card} onClick={confirm}>
          Add the card
        </Button>
      </DialogActions>
    </Dialog>
  );
}
