"use client";

import { useState } from "react";
import { cardName, words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { useVerb } from "@/lib/verb";
import { Button } from "../button";
import type { Customer } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { FollowedOperation } from "../operation";
import { PayerConfirms } from "../payer-confirms";
import { type PlanChoice, PlanPicker, planIsComplete, termsOf } from "../plan-picker";
import { Problems, Warnings } from "../problems";
import { toast } from "../toast";

const REACTIVATE = graphql(`
  mutation Reactivate($input: ReactivateInput!) {
    reactivate(input: $input) {
      subscription { status }
      payment { id status }
      operation { id status }
      warnings { code message }
      userErrors { code message field }
    }
  }
`);

type Outcome = ResultOf<typeof REACTIVATE>["reactivate"];

export function Reactivate({ customer, onClose }: { customer: Customer; onClose: () => void }) {
  const { subscription } = customer;
  const [plan, setPlan] = useState<PlanChoice>({
    tier: subscription.tier,
    billingPeriod: subscription.billingPeriod,
    price: subscription.tier === "ENTERPRISE" ? subscription.price.amount : "",
    credits: subscription.tier === "ENTERPRISE" ? String(subscription.creditsPerMonth) : "",
  });
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const reactivate = useVerb(REACTIVATE);
  const confirm = async () => {
    const answer = await reactivate.run({
      entityId: customer.entityId,
      tier: plan.tier,
      billingPeriod: plan.billingPeriod,
      enterpriseTerms: termsOf(plan),
    });
    if (!answer) return;
    if (answer.operation?.status === "SUCCEEDED" && !answer.warnings.length) {
      toast(`${customer.name} is on ${words(plan.tier)} again`);
      return onClose();
    }
    setOutcome(answer);
  };
  const card = customer.paymentMethods.find((method) => method.isDefault);
  return (
    <Dialog title={`Reactivate ${customer.name}`} onClose={onClose} wide>
      {outcome ? (
        <div className="space-y-4">
          <Warnings warnings={outcome.warnings} />
          {outcome.payment?.status === "REQUIRES_ACTION" ? <PayerConfirms paymentId={outcome.payment.id} /> : null}
          {outcome.operation ? <FollowedOperation id={outcome.operation.id} /> : null}
        </div>
      ) : (
        <div className="space-y-4">
          <PlanPicker plan={plan} onChange={setPlan} />
          <ul className="list-disc space-y-1 pl-5 text-sm text-muted">
            <li>A new contract starts today, with a new billing period.</li>
            <li>
              {plan.tier === "FREE"
                ? "The free tier makes no invoice."
                : card
                  ? `The first invoice is collected now with ${cardName(card)}, after the account balance.`
                  : "There is no card on file: the first invoice stays open."}
            </li>
            <li>The allowance is granted; within a credit month already granted, not twice.</li>
          </ul>
          <Problems errors={reactivate.errors} />
        </div>
      )}
      <DialogActions>
        <Button onClick={onClose}>{outcome ? "Close" : "Leave it"}</Button>
        {outcome ? null : (
          <Button look="primary" busy={reactivate.busy} disabled={!planIsComplete(plan)} onClick={confirm}>
            Start {words(plan.tier)} {plan.billingPeriod.toLowerCase()}
          </Button>
        )}
      </DialogActions>
    </Dialog>
  );
}
