"use client";

import { useState } from "react";
import { formatWhole } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { otherProblems, problemOf, useVerb } from "@/lib/verb";
import { Button } from "../button";
import type { Customer } from "../customer/data";
import { Dialog, DialogActions } from "../dialog";
import { Field, TextInput } from "../form";
import { wholeOf } from "../plan-picker";
import { Problems } from "../problems";
import { toast } from "../toast";

const GRANT = graphql(`
  mutation GrantCredits($input: GrantCreditsInput!) {
    grantCredits(input: $input) {
      customer { credits { balance } }
      operation { id status }
      userErrors { code message field }
    }
  }
`);

export function GrantCredits({ customer, onClose }: { customer: Customer; onClose: () => void }) {
  const [amount, setAmount] = useState("");
  const [reason, setReason] = useState("");
  const [expires, setExpires] = useState("");
  const grant = useVerb(GRANT);
  const credits = wholeOf(amount);
  const confirm = async () => {
    if (credits === null) return;
    const answer = await grant.run({
      entityId: customer.entityId,
      amount: credits,
      reason: reason || null,
      expiresAt: expires ? `${expires}T00:00:00Z` : null,
    });
    if (!answer) return;
    toast(`${formatWhole(credits)} credits granted`);
    onClose();
  };
  return (
    <Dialog title={`Grant credits to ${customer.name}`} onClose={onClose}>
      <form
        id="grant"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
        className="space-y-3"
      >
        <Problems errors={otherProblems(grant.errors, "amount", "reason", "expiresAt")} />
        <Field
          label="How many"
          problem={problemOf(grant.errors, "amount") ?? (amount && credits === null ? "A whole number" : null)}
        >
          {(wiring) => (
            <TextInput
              {...wiring}
              inputMode="numeric"
              value={amount}
              onChange={(event) => setAmount(event.target.value)}
            />
          )}
        </Field>
        <Field label="Reason" hint="For people to read" problem={problemOf(grant.errors, "reason")}>
          {(wiring) => (
            <TextInput {...wiring} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
        <Field
          label="Expires"
          hint="At the start of that day, UTC. Left empty they do not expire, and outlive the subscription."
          problem={problemOf(grant.errors, "expiresAt")}
        >
          {(wiring) => (
            <TextInput {...wiring} type="date" value={expires} onChange={(event) => setExpires(event.target.value)} />
          )}
        </Field>
      </form>
      <DialogActions>
        <Button onClick={onClose}>Leave it</Button>
        <Button look="primary" type="submit" form="grant" busy={grant.busy} disabled={!credits}>
          {credits ? `Grant ${formatWhole(credits)} credits` : "Grant credits"}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
