"use client";

import { createContext, type ReactNode, useContext, useEffect } from "react";
import { serviceTells } from "@/lib/clock";
import { graphql, type ResultOf } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { useRefusal } from "@/lib/viewer";

const ENVIRONMENT = graphql(`
  query Environment {
    environment { mode now metronomeUrl stripeUrl }
  }
`);

export type Environment = ResultOf<typeof ENVIRONMENT>["environment"];

const Known = createContext<Environment | undefined>(undefined);

export function EnvironmentProvider({ children }: { children: ReactNode }) {
  const pause = useRefusal("environment") !== null;
  const { data } = useLive(ENVIRONMENT, {}, { pause, everySeconds: 30, restSeconds: 2 });
  const now = data?.environment.now;
  useEffect(() => {
    if (now) serviceTells(now);
  }, [now]);
  return <Known value={data?.environment}>{children}</Known>;
}

export function useEnvironment(): Environment | undefined {
  return useContext(Known);
}

const LOOKS = {
  SANDBOX: { word: "Sandbox", look: "bg-ask-soft text-ask" },
  TEST: { word: "Test keys", look: "bg-warn-soft text-warn" },
  LIVE: { word: "Live money", look: "bg-bad-fill text-white" },
};

/** Nobody should refund real money and think it was a rehearsal. */
export function EnvironmentChip() {
  const environment = useEnvironment();
  if (!environment) return null;
  const { word, look } = LOOKS[environment.mode];
  return (
    <span
      title={`Metronome ${environment.metronomeUrl}\nStripe ${environment.stripeUrl}`}
      className={`rounded px-1.5 py-0.5 text-xs font-medium whitespace-nowrap ${look}`}
    >
      {word}
    </span>
  );
}
