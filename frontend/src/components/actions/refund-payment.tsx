"use client";

import { useState } from "react";
import { formatMoney } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { otherProblems, problemOf, useVerb } from "@/lib/verb";
import { Button } from "../button";
import type { Payment } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Field, TextInput } from "../form";
import { Problems } from "../problems";
import { toast } from "../toast";

const REFUND = graphql(`
  mutation RefundPayment($input: RefundPaymentInput!) {
    refundPayment(input: $input) {
      refund { id status amount { minorUnits currency amount } }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

export function RefundPayment({ payment, onClose }: { payment: Payment; onClose: () => void }) {
  const { currency, amount } = payment.amount;
  const decimals = amount.split(".")[1]?.length ?? 0;
  const left = { minorUnits: payment.amount.minorUnits - payment.refundedAmount.minorUnits, currency };
  const [typed, setTyped] = useState(decimalOf(left.minorUnits, decimals));
  const [reason, setReason] = useState("");
  const refund = useVerb(REFUND);
  const minorUnits = minorOf(typed, decimals);
  const shown = (value: number) => formatMoney({ currency, amount: decimalOf(value, decimals) });
  const sound = minorUnits !== null && minorUnits > 0 && minorUnits <= left.minorUnits;
  const confirm = async () => {
    if (minorUnits === null) return;
    const answer = await refund.run({
      paymentId: payment.id,
      amount: { minorUnits, currency },
      reason: reason || null,
    });
    if (!answer) return;
    toast(
      answer.refund?.status === "SUCCEEDED"
        ? `${shown(minorUnits)} given back`
        : `${shown(minorUnits)} is on its way back`,
    );
    onClose();
  };
  return (
    <Dialog title={`Refund a payment of ${formatMoney(payment.amount)}`} onClose={onClose}>
      <div className="space-y-3">
        <Problems errors={otherProblems(refund.errors, "amount", "reason")} />
        <Field
          label={`Amount, in ${currency}`}
          hint={`At most ${shown(left.minorUnits)}: what was collected and not given back yet`}
          problem={
            problemOf(refund.errors, "amount") ??
            (sound || !typed ? null : `From ${shown(1)} to ${shown(left.minorUnits)}`)
          }
        >
          {(wiring) => (
            <TextInput
              {...wiring}
              inputMode="decimal"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </Field>
        <Field label="Reason" hint="For people to read" problem={problemOf(refund.errors, "reason")}>
          {(wiring) => (
            <TextInput {...wiring} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
        <p className="text-sm text-muted">
          The money goes back to the card it came from. The invoice stays paid and the subscription stays as it is.
        </p>
      </div>
      <DialogActions>
        <Button onClick={onClose}>Leave it</Button>
        <Button look="danger" busy={refund.busy} disabled={!sound} onClick={confirm}>
          Give back {sound ? shown(minorUnits) : ""}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

function decimalOf(minorUnits: number, decimals: number): string {
  const digits = String(minorUnits).padStart(decimals + 1, "0");
  return decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits;
}

function minorOf(text: string, decimals: number): number | null {
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(text.trim().replaceAll(",", ""));
  const fraction = match?.[2] ?? "";
  if (!match || fraction.length > decimals) return null;
  return Number(`${match[1]}${fraction.padEnd(decimals, "0")}`);
}
