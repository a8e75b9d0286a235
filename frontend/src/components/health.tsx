"use client";

import { words } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { Card } from "./card";
import { LiveProblem, Skeleton } from "./states";
import { Chip, Status } from "./status";
import { When } from "./value";

const HEALTH = graphql(`
  query Health {
    serviceHealth {
      status
      checkedAt
      components { name status latencyMs problem }
    }
  }
`);

const NAMES: Record<string, string> = {
  database: "Database",
  metronome: "Metronome",
  stripe: "Stripe",
  worker: "Worker",
};

const SLOW_MS = 750;

export function Health() {
  const live = useLive(HEALTH, {}, { concerns: () => false, everySeconds: 10 });
  const health = live.data?.serviceHealth;
  const unreachable = Boolean(live.error?.networkError);
  return (
    <Card
      title="Health"
      hint={
        health ? (
          <>
            checked <When at={health.checkedAt} />
          </>
        ) : null
      }
      actions={health ? <Status value={unreachable ? "DOWN" : health.status} /> : null}
      flush
    >
      <LiveProblem live={live} className="p-3" />
      <ul className="divide-y">
        <Component name="Service" status={unreachable ? "DOWN" : live.data ? "UP" : undefined} />
        {(health?.components ?? Object.keys(NAMES).map((name) => ({ name }) as Partial<Part> & { name: string })).map(
          (part) => (
            <Component
              key={part.name}
              name={NAMES[part.name] ?? words(part.name)}
              status={part.status}
              latencyMs={part.latencyMs}
              problem={part.problem}
            />
          ),
        )}
      </ul>
    </Card>
  );
}

interface Part {
  name: string;
  status: string;
  latencyMs: number;
  problem: string | null;
}

function Component({ name, status, latencyMs, problem }: Partial<Part>) {
  return (
    <li className="px-4 py-2.5">
      <div className="flex min-h-5 items-center justify-between gap-3 text-sm">
        <span className="font-medium">{name}</span>
        {status ? (
          <span className="flex items-center gap-3">
            {latencyMs === undefined ? null : (
              <span className={`tabular-nums text-xs ${latencyMs > SLOW_MS ? "text-warn" : "text-faint"}`}>
                {latencyMs} ms
              </span>
            )}
            {status === "UP" && latencyMs !== undefined && latencyMs > SLOW_MS ? (
              <Chip tone="warn">Slow</Chip>
            ) : (
              <Status value={status} />
            )}
          </span>
        ) : (
          <Skeleton className="h-4 w-20" />
        )}
      </div>
      {problem ? <p className="mt-1 text-xs text-bad [overflow-wrap:anywhere]">{problem}</p> : null}
    </li>
  );
}
