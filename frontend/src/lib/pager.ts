"use client";

import { useUrlState } from "./url";

const BETWEEN = "~";

/** Where a list is, kept in its address: the cursor to start after, and those of the pages before it. */
export function usePager() {
  const [parameters, change] = useUrlState();
  const after = parameters.get("after");
  const trail = parameters.get("trail")?.split(BETWEEN) ?? [];
  return {
    after,
    hasPrevious: after !== null,
    next: (endCursor: string | null) => change({ after: endCursor, trail: [...trail, after ?? ""].join(BETWEEN) }),
    previous: () => change({ after: trail.at(-1) || null, trail: trail.slice(0, -1).join(BETWEEN) || null }),
    /** Another filter starts at the first page. */
    filter: (changes: Record<string, string | null>) => change({ ...changes, after: null, trail: null }),
    parameters,
  };
}
