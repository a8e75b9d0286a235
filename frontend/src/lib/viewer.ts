"use client";

import { createContext, useContext } from "react";
import { graphql, type ResultOf, type RootField } from "./graphql";

/** Who asks, and what is not for them: the service's own rules, so that no second list of them is kept here. */
export const VIEWER = graphql(`
  query Viewer {
    viewer { kind name scopes entityId refused { name reason } }
  }
`);

export type Viewer = ResultOf<typeof VIEWER>["viewer"];

export const KnownViewer = createContext<Viewer | undefined>(undefined);

export function useViewer(): Viewer | undefined {
  return useContext(KnownViewer);
}

/** Why the service would refuse that; null when it would not, and until that is known. */
export function useRefusal(field: RootField | undefined): string | null {
  const refused = useContext(KnownViewer)?.refused;
  return refused?.find((each) => each.name === field)?.reason ?? null;
}
