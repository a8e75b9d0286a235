"use client";

import type { TypedDocumentNode } from "@urql/core";
import { useRef, useState } from "react";
import { useMutation } from "urql";
import { happened } from "./live";

export interface UserError {
  code: string;
  message: string;
  field: string | null;
}

interface Answer {
  userErrors: UserError[];
}

export interface Verb<I, P> {
  busy: boolean;
  /** What the last answer refused, or why there was none. */
  errors: UserError[];
  /** The answer; null when there was none, or it refuses. */
  run: (input: Omit<I, "idempotencyKey">) => Promise<P | null>;
  clear: () => void;
}

const NO_ANSWER: UserError = {
  code: "NO_ANSWER",
  field: null,
  message: "The service did not answer. Try again: it will not happen twice.",
};

/** A mutation under a key of its own: asked again after silence, it is the same request, and happens once. */
export function useVerb<D extends object, I extends object>(
  mutation: TypedDocumentNode<D, { input: I }>,
): Verb<I, D[keyof D]> {
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<UserError[]>([]);
  const unanswered = useRef<{ input: string; key: string } | null>(null);
  const [, execute] = useMutation(mutation);
  const run = async (input: Omit<I, "idempotencyKey">) => {
    const text = JSON.stringify(input);
    if (unanswered.current?.input !== text) unanswered.current = { input: text, key: newKey() };
    setBusy(true);
    setErrors([]);
    const result = await execute({ input: { ...input, idempotencyKey: unanswered.current.key } as unknown as I });
    setBusy(false);
    if (result.error?.networkError) {
      setErrors([NO_ANSWER]);
      return null;
    }
    unanswered.current = null;
    happened(null);
    if (!result.data) {
      setErrors((result.error?.graphQLErrors ?? []).map(({ message }) => ({ code: "REFUSED", message, field: null })));
      return null;
    }
    const answer = Object.values(result.data)[0] as D[keyof D] & Answer;
    setErrors(answer.userErrors);
    return answer.userErrors.length ? null : answer;
  };
  return { busy, errors, run, clear: () => setErrors([]) };
}

/** The same for a mutation whose input takes no key, because doing it twice does no harm. */
export function useSteer<D extends object, V extends object>(mutation: TypedDocumentNode<D, V>) {
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<UserError[]>([]);
  const [, execute] = useMutation(mutation);
  const run = async (variables: V): Promise<D[keyof D] | null> => {
    setBusy(true);
    const result = await execute(variables);
    setBusy(false);
    happened(null);
    const answer = result.data ? (Object.values(result.data)[0] as D[keyof D] & Partial<Answer>) : null;
    const refused = result.error
      ? [{ ...NO_ANSWER, message: result.error.graphQLErrors[0]?.message ?? NO_ANSWER.message }]
      : (answer?.userErrors ?? []);
    setErrors(refused);
    return refused.length ? null : answer;
  };
  return { busy, errors, run };
}

/** Also where crypto.randomUUID is missing, as over plain http to another host. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `web-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export function problemOf(errors: UserError[], ...fields: string[]): string | null {
  return errors.find((error) => error.field !== null && fields.includes(error.field))?.message ?? null;
}

/** Those that no field shows. */
export function otherProblems(errors: UserError[], ...shown: string[]): UserError[] {
  return errors.filter((error) => error.field === null || !shown.includes(error.field));
}
