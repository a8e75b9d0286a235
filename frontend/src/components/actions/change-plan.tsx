"use client";

import { useEffect, useRef, useState } from "react";
import { useClient } from "urql";
import { formatMoney, words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { type UserError, useVerb } from "@/lib/verb";
import { Button } from "../button";
import type { Customer } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Segmented } from "../form";
import { FollowedOperation } from "../operation";
import { PayerConfirms } from "../payer-confirms";
import { type PlanChoice, PlanPicker, planIsComplete, termsOf } from "../plan-picker";
import { Problems, Warnings } from "../problems";
import { Skeleton } from "../states";
import { toast } from "../toast";
import { QUOTE, type Quote, QuoteDetails } from "./quote";

const CHANGE = graphql(`
  mutation ChangeTier($input: ChangeTierInput!) {
    changeTier(input: $input) {
      subscription { tier }
      payment { id status }
      operation { id status }
      warnings { code message }
      userErrors { code message field }
    }
  }
`);

type Outcome = ResultOf<typeof CHANGE>["changeTier"];
type Effective = "IMMEDIATELY" | "AT_PERIOD_END";

const OUTDATED = ["STALE_QUOTE", "QUOTE_EXPIRED", "QUOTE_NOT_FOUND"];
const TYPING_MS = 250;

const WHEN = [
  { value: "IMMEDIATELY" as const, label: "Now" },
  { value: "AT_PERIOD_END" as const, label: "At the period end" },
];

/** The price first, then the act: what is confirmed is what was shown, or nothing. */
export function ChangePlan({ customer, onClose }: { customer: Customer; onClose: () => void }) {
  const { subscription } = customer;
  const [plan, setPlan] = useState<PlanChoice>({
    tier: subscription.tier,
    billingPeriod: subscription.billingPeriod,
    price: "",
    credits: "",
  });
  const [effective, setEffective] = useState<Effective>("IMMEDIATELY");
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const same =
    plan.tier === subscription.tier && plan.billingPeriod === subscription.billingPeriod && plan.tier !== "ENTERPRISE";
  const wanted = same || !planIsComplete(plan) ? null : { plan, effective };
  const quoting = useQuote(customer.entityId, wanted);
  const change = useVerb(CHANGE);
  const { quote, before } = quoting;
  const refused = change.errors.filter((error) => !OUTDATED.includes(error.code));
  const confirm = async () => {
    if (!quote) return;
    const answer = await change.run({ entityId: customer.entityId, quoteId: quote.id });
    if (!answer) return;
    if (answer.operation?.status === "SUCCEEDED") {
      toast(
        quote.effective === "IMMEDIATELY"
          ? `${customer.name} is on ${words(quote.tier)} now`
          : "The change is scheduled",
      );
      if (!answer.warnings.length) return onClose();
    }
    setOutcome(answer);
  };
  const outdated = change.errors.some((error) => OUTDATED.includes(error.code));
  const { requote } = quoting;
  const asked = useRef(requote);
  useEffect(() => {
    asked.current = requote;
  });
  useEffect(() => {
    if (outdated) asked.current();
  }, [outdated]);
  if (outcome) return <Underway outcome={outcome} onClose={onClose} />;
  return (
    <Dialog title={`Change the plan of ${customer.name}`} onClose={onClose} wide>
      <div className="space-y-4">
        <PlanPicker plan={plan} onChange={setPlan} />
        <Segmented legend="When it takes effect" value={effective} choices={WHEN} onChange={setEffective} />
        {before ? (
          <p role="status" className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
            What was quoted no longer holds. This is the new quote; what differs is marked. Nothing was changed.
          </p>
        ) : null}
        <Problems errors={[...refused, ...quoting.errors]} />
        {same ? <p className="text-sm text-muted">This is the present plan. Choose another tier or period.</p> : null}
        {quote ? (
          <QuoteDetails quote={quote} before={before} />
        ) : quoting.busy ? (
          <Skeleton className="h-44 w-full" />
        ) : null}
      </div>
      <DialogActions>
        <Button onClick={onClose}>Leave it</Button>
        <Button look="primary" busy={change.busy} disabled={!quote || quoting.busy} onClick={confirm}>
          {quote ? actOf(quote) : "Change the plan"}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** The button names the act. */
function actOf(quote: Quote): string {
  const plan = `${words(quote.tier)} ${quote.billingPeriod.toLowerCase()}`;
  if (quote.effective === "AT_PERIOD_END") return `Schedule the change to ${plan}`;
  if (quote.dueNow.minorUnits > 0) return `Change to ${plan}, collect ${formatMoney(quote.dueNow)} now`;
  if (quote.toAccountBalance.minorUnits > 0) return `Change to ${plan}, credit ${formatMoney(quote.toAccountBalance)}`;
  return `Change to ${plan}`;
}

interface Quoting {
  quote: Quote | null;
  /** The quote that no longer held. */
  before: Quote | null;
  errors: UserError[];
  busy: boolean;
  requote: () => void;
}

function useQuote(entityId: string, wanted: { plan: PlanChoice; effective: Effective } | null): Quoting {
  const client = useClient();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<Omit<Quoting, "requote">>({ quote: null, before: null, errors: [], busy: false });
  const keepBefore = useRef(false);
  const input = wanted && {
    entityId,
    tier: wanted.plan.tier,
    billingPeriod: wanted.plan.billingPeriod,
    effective: wanted.effective,
    enterpriseTerms: termsOf(wanted.plan),
  };
  const key = JSON.stringify([input, round]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says all of the input
  useEffect(() => {
    const keeping = keepBefore.current;
    keepBefore.current = false;
    if (!input) {
      setState({ quote: null, before: null, errors: [], busy: false });
      return;
    }
    let current = true;
    setState((old) => ({ quote: null, before: keeping ? old.quote : null, errors: [], busy: true }));
    const timer = setTimeout(
      async () => {
        const result = await client.query(QUOTE, { input }, { requestPolicy: "network-only" }).toPromise();
        if (!current) return;
        const answer = result.data?.quoteTierChange;
        const silence = { code: "NO_ANSWER", field: null, message: "The service did not answer. Choose again." };
        setState((old) => ({
          quote: answer?.quote ?? null,
          before: old.before,
          errors: answer?.userErrors ?? [silence],
          busy: false,
        }));
      },
      keeping ? 0 : TYPING_MS,
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [client, key]);
  const requote = () => {
    keepBefore.current = true;
    setRound((number) => number + 1);
  };
  return { ...state, requote };
}

function Underway({ outcome, onClose }: { outcome: Outcome; onClose: () => void }) {
  return (
    <Dialog title="The change" onClose={onClose} wide>
      <div className="space-y-4">
        <Warnings warnings={outcome.warnings} />
        {outcome.payment?.status === "REQUIRES_ACTION" ? <PayerConfirms paymentId={outcome.payment.id} /> : null}
        {outcome.operation ? <FollowedOperation id={outcome.operation.id} /> : null}
      </div>
      <DialogActions>
        <Button onClick={onClose}>Close</Button>
      </DialogActions>
    </Dialog>
  );
}
