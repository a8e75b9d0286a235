"use client";

import { usePathname, useRouter, useSearchParams } from "next/navigation";

/** What a list shows stands in the address: it can be sent to somebody, and back goes back. */
export function useUrlState(): [URLSearchParams, (changes: Record<string, string | null>) => void] {
  const parameters = useSearchParams();
  const router = useRouter();
  const path = usePathname();
  const change = (changes: Record<string, string | null>) => {
    const next = new URLSearchParams(parameters);
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
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
