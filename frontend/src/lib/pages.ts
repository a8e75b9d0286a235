import { useState } from "react";

/** Which page of a list within a page; the address tells only where the page's own list is. */
export function usePages() {
  const [trail, setTrail] = useState<(string | null)[]>([]);
  return {
    after: trail.at(-1) ?? null,
    hasPrevious: trail.length > 0,
    next: (endCursor: string | null) => setTrail([...trail, endCursor]),
    previous: () => setTrail(trail.slice(0, -1)),
  };
}
