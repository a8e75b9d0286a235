/** Whether what is shown is current, and the beat at which it is asked for again. */

import { makeStore } from "./store";

export type Connection = "connecting" | "live" | "polling" | "offline";

export interface Happening {
  cursor: string;
  at: string;
  kind: string;
  summary: string;
  entityId: string | null;
  operationId: string | null;
}

export const connection = makeStore<Connection>("connecting");

let socketOpen = false;
let serverAnswers = true;

function tell(): void {
  connection.set(!serverAnswers ? "offline" : socketOpen ? "live" : "polling");
}

export function socketIs(open: boolean): void {
  socketOpen = open;
  if (open) serverAnswers = true;
  tell();
}

export function serverIs(answering: boolean): void {
  const before = serverAnswers;
  serverAnswers = answering;
  if (before !== answering) tell();
}

/** Called for everything that happens; null: something may have been missed, so ask for everything again. */
type Listener = (happening: Happening | null) => void;

const listeners = new Set<Listener>();

export function onHappening(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function happened(happening: Happening | null): void {
  for (const listener of listeners) listener(happening);
}
