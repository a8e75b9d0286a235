"use client";

import { useId } from "react";
import { graphql } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { useEnvironment } from "./environment";
import { Field, Select, TextInput } from "./form";

const CARDS = graphql(`
  query TestCards {
    sandbox { cards { paymentMethodId number does } }
  }
`);

/** A Stripe payment method: by its id, or in the sandbox one of the test cards. */
export function CardPicker({
  value,
  onChange,
  optional = false,
  problem,
}: {
  value: string;
  onChange: (paymentMethodId: string) => void;
  optional?: boolean;
  problem?: string | null;
}) {
  const sandbox = useEnvironment()?.mode === "SANDBOX";
  const { data } = useLive(CARDS, {}, { pause: !sandbox, concerns: () => false });
  const cards = data?.sandbox?.cards ?? [];
  const chosen = cards.find((card) => card.paymentMethodId === value);
  const list = useId();
  if (!sandbox) {
    return (
      <Field label="Payment method" hint="A Stripe payment method, as pm_…" problem={problem}>
        {(wiring) => (
          <TextInput
            {...wiring}
            list={list}
            value={value}
            onChange={(event) => onChange(event.target.value.trim())}
            placeholder="pm_…"
          />
        )}
      </Field>
    );
  }
  return (
    <Field
      label="Test card"
      hint={chosen ? chosen.paymentMethodId : "No card: a paid plan's invoice stays open"}
      problem={problem}
    >
      {(wiring) => (
        <Select {...wiring} value={value} onChange={(event) => onChange(event.target.value)}>
          {optional ? <option value="">No card</option> : null}
          {cards.map((card) => (
            <option key={card.paymentMethodId} value={card.paymentMethodId}>
              {card.number} · {card.does}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
