/** What is "now" is the service's to say: a sandbox moves its clock, and a browser's may be wrong. */

import { makeStore } from "./store";

const UNNOTICED_MS = 5_000;

export const aheadMs = makeStore(0);

export function serviceTells(now: string): void {
  const ahead = Date.parse(now) - Date.now();
  if (Math.abs(ahead - aheadMs.get()) > UNNOTICED_MS) aheadMs.set(Math.abs(ahead) > UNNOTICED_MS ? ahead : 0);
}

/** The service's day, as it counts days. */
export function today(): string {
  return new Date(Date.now() + aheadMs.get()).toISOString().slice(0, 10);
}
