"use client";

import { formatCompact, formatWhole, plural } from "@/lib/format";
import { useNow } from "@/lib/use-live";
import { Day } from "./value";

interface Entry {
  at: string;
  amount: number;
}

interface Point {
  at: number;
  balance: number;
}

const WIDTH = 480;
const HEIGHT = 72;
const TOP = 6;
const LEAST_SPAN_MS = 60_000;

/** The balance over time: what is there now, less every entry on the way back. A step, because it never slopes. */
export function LedgerChart({ balance, entries }: { balance: number; entries: Entry[] }) {
  const now = useNow(60);
  const points = drawable(pointsOf(balance, entries, now), now);
  const first = points[0];
  if (!first || entries.length === 0) return null;
  const highest = Math.max(1, ...points.map((point) => point.balance));
  const span = Math.max(LEAST_SPAN_MS, now - first.at);
  const x = (at: number) => ((at - first.at) / span) * WIDTH;
  const y = (value: number) => TOP + (HEIGHT - TOP) * (1 - value / highest);
  const steps = points.map(({ at, balance: value }, place) =>
    place ? `H${x(at)}V${y(value)}` : `M${x(at)} ${y(value)}`,
  );
  const line = `${steps.join("")}H${WIDTH}`;
  return (
    <figure className="min-w-0 flex-1 basis-64">
      <svg
        role="img"
        aria-label={`Balance over the last ${plural(entries.length, "change")}: now ${formatWhole(balance)}, at most ${formatWhole(highest)}`}
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 1}`}
        preserveAspectRatio="none"
        className="h-18 w-full"
      >
        <path d={`${line}V${HEIGHT}H0Z`} fill="var(--accent)" opacity="0.1" />
        <path d={line} fill="none" stroke="var(--accent)" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
        <path
          d={`M0 ${HEIGHT}H${WIDTH}`}
          stroke="var(--line-strong)"
          strokeWidth="1"
          vectorEffect="non-scaling-stroke"
        />
      </svg>
      <figcaption className="flex justify-between text-2xs text-faint">
        <span>
          {plural(entries.length, "change")} since <Day day={new Date(first.at).toISOString().slice(0, 10)} />
        </span>
        <span>at most {formatCompact(highest)}</span>
      </figcaption>
    </figure>
  );
}

/** What one column of the picture cannot tell apart is one change: an allowance that expires as the next is granted. */
function drawable(points: Point[], now: number): Point[] {
  const first = points[0];
  if (!first) return [];
  const width = Math.max(LEAST_SPAN_MS, now - first.at) / WIDTH;
  return points.filter((point, place) => {
    const next = points[place + 1];
    return place === 0 || next === undefined || next.at - point.at > width;
  });
}

function pointsOf(balance: number, newestFirst: Entry[], now: number): Point[] {
  const points: Point[] = [];
  let value = balance;
  for (const entry of newestFirst) {
    points.unshift({ at: Math.min(now, Date.parse(entry.at)), balance: value });
    value -= entry.amount;
  }
  const oldest = points[0];
  if (oldest) points.unshift({ at: oldest.at, balance: Math.max(0, value) });
  return points;
}
