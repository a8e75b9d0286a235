"use client";

import Link from "next/link";
import { useRef } from "react";
import { formatDay, formatMoney, formatWhole, words } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { Card } from "./card";
import { Empty, Loaded } from "./states";
import { When } from "./value";

const LATEST = graphql(`
  query LatestActivity($first: Int!, $entityId: String) {
    latestActivity(first: $first, entityId: $entityId) {
      cursor at kind summary entityId operationId
    }
  }
`);

const DOTS: [RegExp, string][] = [
  [/refused|failed|expired|uncollectible|declined|past_due/, "bg-bad"],
  [/requires_action/, "bg-ask"],
  [/succeeded|paid|started|reactivated|granted/, "bg-ok"],
  [/step_done/, "bg-line-strong"],
];

export function Activity({ entityId, first = 14 }: { entityId?: string; first?: number }) {
  const live = useLive(
    LATEST,
    { first, entityId: entityId ?? null },
    { concerns: (event) => !entityId || event.entityId === entityId },
  );
  const known = useRef<Set<string> | null>(null);
  const events = live.data?.latestActivity;
  const before = known.current;
  if (events) known.current = new Set(events.map((event) => event.cursor));
  return (
    <Card title="Activity" hint={entityId ? null : "as it happens"} flush>
      <Loaded live={live} label="activity" rows={8}>
        {({ latestActivity }) =>
          latestActivity.length ? (
            <ol
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
              tabIndex={0}
              aria-label="Latest activity"
              className="max-h-[34rem] overflow-y-auto py-1"
            >
              {latestActivity.map((event) => (
                <li
                  key={event.cursor}
                  className={`flex gap-3 px-4 py-1.5 text-sm ${before && !before.has(event.cursor) ? "animate-arrive" : ""}`}
                >
                  <span aria-hidden className={`mt-1.5 size-2 shrink-0 rounded-full ${dotOf(event.kind)}`} />
                  <div className="min-w-0 flex-1 items-baseline justify-between gap-4 @lg:flex">
                    <p className="[overflow-wrap:anywhere]">{readable(event.summary)}</p>
                    {entityId || !event.entityId ? null : (
                      <Link
                        href={customerPath(event.entityId)}
                        prefetch={false}
                        className="block max-w-full truncate text-xs text-muted hover:text-accent hover:underline @lg:max-w-52"
                      >
                        {event.entityId}
                      </Link>
                    )}
                  </div>
                  <span className="w-20 shrink-0 text-right text-xs text-faint">
                    <When at={event.at} />
                  </span>
                </li>
              ))}
            </ol>
          ) : (
            <Empty title="Nothing happened yet">What happens to customers appears here by itself.</Empty>
          )
        }
      </Loaded>
    </Card>
  );
}

/** The service tells numbers, money, days and plans as it keeps them: 49170 credits, 9.00 USD, TEAM MONTHLY. */
function readable(summary: string): string {
  return summary
    .replace(/^\d{4,}(?= credits)/, (digits) => formatWhole(Number(digits)))
    .replace(/\b\d{4}-\d\d-\d\d\b/g, formatDay)
    .replace(/\b[A-Z]+ (?:MONTHLY|YEARLY)\b/g, words)
    .replace(/\b(\d+(?:\.\d+)?) ([A-Z]{3})\b/g, (_, amount, currency) => formatMoney({ amount, currency }))
    .replace(/ done$/, ": done");
}

function dotOf(kind: string): string {
  return DOTS.find(([pattern]) => pattern.test(kind))?.[1] ?? "bg-info";
}
