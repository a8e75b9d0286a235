"use client";

import { usePathname, useRouter, useSearchParams } from "next/navigation";
import { useEffect, useRef } from "react";

/** What a list shows stands in the address: it can be sent to somebody, and back goes back. */
export function useUrlState(): [URLSearchParams, (changes: Record<string, string | null>) => void] {
  const parameters = useSearchParams();
  const router = useRouter();
  const path = usePathname();
  // What it is about to say: the router takes its time, and of two changes one soon after the other both count.
  const coming = useRef(parameters.toString());
  useEffect(() => {
    coming.current = parameters.toString();
  }, [parameters]);
  const change = (changes: Record<string, string | null>) => {
    const next = new URLSearchParams(coming.current);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    coming.current = query;
    router.replace(query ? `${path}?${query}` : path, { scroll: false });
  };
  return [parameters, change];
}

export function customerPath(entityId: string): string {
  return `/customers/view/?id=${encodeURIComponent(entityId)}`;
}

export function operationPath(id: string): string {
  return `/operations/?id=${encodeURIComponent(id)}`;
}
