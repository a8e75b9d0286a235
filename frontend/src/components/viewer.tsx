"use client";

import { LockKeyhole } from "lucide-react";
import type { ReactNode } from "react";
import type { RootField } from "@/lib/graphql";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { KnownViewer, useRefusal, useViewer, VIEWER } from "@/lib/viewer";
import { LinkButton } from "./button";

export function ViewerProvider({ children }: { children: ReactNode }) {
  const { data } = useLive(VIEWER, {}, { concerns: () => false });
  return <KnownViewer value={data?.viewer}>{children}</KnownViewer>;
}

/** What is inside; or, for those who may not use the field that it is made of, why not. */
export function Allowed({ needs, what, children }: { needs: RootField; what: string; children: ReactNode }) {
  return useRefusal(needs) === null ? children : <Refused needs={needs} what={what} />;
}

export function Refused({ needs, what }: { needs: RootField; what: string }) {
  const reason = useRefusal(needs);
  const viewer = useViewer();
  return (
    <div role="note" className="flex flex-col items-center gap-1 px-6 py-10 text-center">
      <LockKeyhole aria-hidden className="mb-1 size-5 text-faint" />
      <p className="font-medium">{what}: not for you</p>
      <p className="max-w-md text-sm text-muted [overflow-wrap:anywhere]">
        {reason} You are here as {viewer?.name}.{viewer?.entityId ? "" : " Sign in with a key that has it."}
      </p>
      {viewer?.entityId ? (
        <div className="mt-3">
          <LinkButton href={customerPath(viewer.entityId)}>To your own page</LinkButton>
        </div>
      ) : null}
    </div>
  );
}
