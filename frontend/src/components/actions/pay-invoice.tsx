"use client";

import { useState } from "react";
import { cardName, formatMoney } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { useVerb } from "@/lib/verb";
import { Button } from "../button";
import type { Customer, Invoice } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Field, Select } from "../form";
import { FollowedOperation } from "../operation";
import { PayerConfirms } from "../payer-confirms";
import { Problems } from "../problems";
import { Problem } from "../states";
import { toast } from "../toast";

const PAY = graphql(`
  mutation PayInvoice($input: PayInvoiceInput!) {
    payInvoice(input: $input) {
      invoice { status }
      payment { id status errorMessage declineCode }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

type Outcome = ResultOf<typeof PAY>["payInvoice"];

export function PayInvoice({
  customer,
  invoice,
  onClose,
}: {
  customer: Customer;
  invoice: Pick<Invoice, "id" | "amount">;
  onClose: () => void;
}) {
  const cards = customer.paymentMethods;
  const [card, setCard] = useState(cards.find((method) => method.isDefault)?.id ?? cards[0]?.id ?? "");
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const pay = useVerb(PAY);
  const confirm = async () => {
    const answer = await pay.run({ invoiceId: invoice.id, paymentMethodId: card || null });
    if (answer?.invoice?.status === "PAID") {
      toast(`${formatMoney(invoice.amount)} collected`);
      return onClose();
    }
    setOutcome(answer);
  };
  const waiting = outcome?.payment?.status === "REQUIRES_ACTION";
  return (
    <Dialog title={`Collect ${formatMoney(invoice.amount)} from ${customer.name}`} onClose={onClose}>
      <div className="space-y-4 text-sm">
        <Problems errors={pay.errors} />
        {outcome?.payment?.status === "FAILED" ? (
          <Problem title="The card was declined">
            {outcome.payment.errorMessage} The invoice stays open; try another card.
          </Problem>
        ) : null}
        {outcome?.operation?.status === "RUNNING" ? <FollowedOperation id={outcome.operation.id} /> : null}
        {waiting && outcome?.payment ? <PayerConfirms paymentId={outcome.payment.id} /> : null}
        {cards.length ? (
          <Field label="With" hint="It is charged once, whatever happens in between.">
            {(wiring) => (
              <Select {...wiring} value={card} onChange={(event) => setCard(event.target.value)}>
                {cards.map((method) => (
                  <option key={method.id} value={method.id}>
                    {cardName(method)}
                    {method.isDefault ? " (default)" : ""}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        ) : (
          <p>There is no card on file. Add one first; if it becomes the default, overdue invoices are tried at once.</p>
        )}
      </div>
      <DialogActions>
        <Button onClick={onClose}>{waiting ? "Close" : "Leave it open"}</Button>
        {waiting ? null : (
          <Button look="primary" busy={pay.busy} disabled={!cards.length} onClick={confirm}>
            Collect {formatMoney(invoice.amount)}
          </Button>
        )}
      </DialogActions>
    </Dialog>
  );
}
