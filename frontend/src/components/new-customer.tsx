"use client";

import { type FormEvent, useEffect, useState } from "react";
import { graphql, type ResultOf } from "@/lib/graphql";
import { onHappening } from "@/lib/live";
import { customerPath } from "@/lib/url";
import { otherProblems, problemOf, useVerb } from "@/lib/verb";
import { Button, LinkButton } from "./button";
import { Card } from "./card";
import { CardPicker } from "./card-picker";
import { Field, Segmented, TextInput } from "./form";
import { FollowedOperation } from "./operation";
import { PayerConfirms } from "./payer-confirms";
import { type PlanChoice, PlanPicker, planIsComplete, termsOf } from "./plan-picker";
import { Problems } from "./problems";
import { Chip, Status, Tier } from "./status";
import { Money, Whole } from "./value";

const ONBOARD = graphql(`
  mutation Onboard($input: OnboardInput!) {
    onboard(input: $input) {
      customer { entityId name credits { balance } }
      subscription { status tier }
      invoice { status amount { minorUnits currency amount } }
      payment { id status errorMessage declineCode }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

type Answer = ResultOf<typeof ONBOARD>["onboard"];
type EntityType = "USER" | "ORGANIZATION";

const SHOWN = ["entity.id", "entity.name", "entity.email", "paymentMethodId"];

export function NewCustomer() {
  const [type, setType] = useState<EntityType>("USER");
  const [id, setId] = useState("");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [card, setCard] = useState("pm_card_visa");
  const [plan, setPlan] = useState<PlanChoice>({ tier: "PRO", billingPeriod: "MONTHLY", price: "", credits: "" });
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const onboard = useVerb(ONBOARD);
  const [operationId, setOperationId] = useOperationOf(asked);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setAnswer(null);
    setOperationId(null);
    setAsked(id);
    const payload = await onboard.run({
      entity: { id, type, name, email },
      tier: plan.tier,
      billingPeriod: plan.billingPeriod,
      enterpriseTerms: termsOf(plan),
      paymentMethodId: card || null,
    });
    if (payload?.operation) setOperationId(payload.operation.id);
    setAnswer(payload);
  };
  const again = () => {
    for (const clear of [setId, setName, setEmail]) clear("");
    setAnswer(null);
    setAsked(null);
    setOperationId(null);
    onboard.clear();
  };
  const { errors, busy } = onboard;
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1.2fr)_minmax(0,1fr)]">
      <form onSubmit={submit} noValidate>
        <Card title="Who, and on which plan">
          <Problems errors={otherProblems(errors, ...SHOWN)} />
          <fieldset disabled={busy || answer !== null} className="space-y-5">
            <legend className="sr-only">New customer</legend>
            <Segmented
              legend="Type"
              value={type}
              choices={[
                { value: "USER", label: "User" },
                { value: "ORGANIZATION", label: "Organization" },
              ]}
              onChange={setType}
            />
            <div className="grid gap-3 sm:grid-cols-2">
              <Field
                label="Entity id"
                hint="Your own id: letters, digits and . _ : @ -"
                problem={problemOf(errors, "entity.id")}
              >
                {(wiring) => (
                  <TextInput
                    {...wiring}
                    required
                    maxLength={128}
                    value={id}
                    onChange={(event) => setId(event.target.value)}
                  />
                )}
              </Field>
              <Field label="Name" problem={problemOf(errors, "entity.name")}>
                {(wiring) => (
                  <TextInput
                    {...wiring}
                    required
                    maxLength={200}
                    value={name}
                    onChange={(event) => setName(event.target.value)}
                  />
                )}
              </Field>
              <Field label="E-mail" problem={problemOf(errors, "entity.email")}>
                {(wiring) => (
                  <TextInput
                    {...wiring}
                    type="email"
                    required
                    maxLength={320}
                    value={email}
                    onChange={(event) => setEmail(event.target.value)}
                  />
                )}
              </Field>
              <CardPicker optional value={card} onChange={setCard} problem={problemOf(errors, "paymentMethodId")} />
            </div>
            <PlanPicker plan={plan} onChange={setPlan} />
            <div className="flex flex-wrap items-center gap-3 border-t pt-4">
              <Button
                look="primary"
                type="submit"
                busy={busy}
                disabled={!id || !name || !email || !planIsComplete(plan)}
              >
                {plan.tier === "FREE" ? "Onboard" : "Onboard and collect the first invoice"}
              </Button>
            </div>
          </fieldset>
        </Card>
      </form>
      <div className="min-w-0 space-y-4" aria-live="polite">
        <Card title="What happens" hint="step by step, at both providers">
          {operationId ? (
            <FollowedOperation id={operationId} />
          ) : (
            <p className="text-sm text-muted">
              A customer is created in Metronome and Stripe at the same time; then the card, the contract, the credits,
              and for a paid plan the first invoice and its payment. Each step appears here as it runs, and is finished
              even if the service stops in between.
            </p>
          )}
        </Card>
        {answer ? <Outcome answer={answer} onAgain={again} /> : null}
      </div>
    </div>
  );
}

/** The operation is known before its answer: it is the first that happens to this customer. */
function useOperationOf(entityId: string | null) {
  const [operationId, setOperationId] = useState<string | null>(null);
  useEffect(() => {
    if (!entityId) return;
    return onHappening((event) => {
      if (event?.entityId === entityId && event.operationId) setOperationId((known) => known ?? event.operationId);
    });
  }, [entityId]);
  return [operationId, setOperationId] as const;
}

function Outcome({ answer, onAgain }: { answer: Answer; onAgain: () => void }) {
  const { customer, subscription, invoice, payment } = answer;
  if (!customer || !subscription) return null;
  return (
    <Card title="What came of it">
      <div className="space-y-3 text-sm">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
          <Status value={subscription.status} />
          <Tier value={subscription.tier} />
          <span>
            <Whole value={customer.credits.balance} /> credits
          </span>
          {invoice ? (
            <span className="flex items-center gap-1.5">
              Invoice <Money value={invoice.amount} /> <Status value={invoice.status} />
            </span>
          ) : (
            <Chip tone="idle">No invoice</Chip>
          )}
        </div>
        {payment?.status === "FAILED" ? (
          <p className="rounded-md bg-bad-soft px-3 py-2 text-bad">
            The card was declined{payment.declineCode ? ` (${payment.declineCode})` : ""}: {payment.errorMessage} The
            invoice stays open and is tried again by itself.
          </p>
        ) : null}
        {payment?.status === "REQUIRES_ACTION" ? <PayerConfirms paymentId={payment.id} /> : null}
        <div className="flex flex-wrap gap-2">
          <LinkButton look="primary" href={customerPath(customer.entityId)}>
            Open {customer.name.length > 40 ? "the customer" : customer.name}
          </LinkButton>
          <Button onClick={onAgain}>Another one</Button>
        </div>
      </div>
    </Card>
  );
}
