import type { ReactNode } from "react";
import { words } from "@/lib/format";

export type Tone = "ok" | "warn" | "bad" | "info" | "ask" | "idle";

const TONES: Record<Tone, string> = {
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
  ask: "bg-ask-soft text-ask",
  idle: "bg-line/70 text-muted",
};

/** A colour never stands alone: there is a word, and a shape that differs. */
const SHAPES: Record<Tone, string> = {
  ok: "rounded-full bg-current",
  warn: "rotate-45 bg-current scale-90",
  bad: "rounded-[1px] bg-current",
  info: "rounded-full border-2 border-current",
  ask: "rounded-full border-2 border-current border-dotted",
  idle: "rounded-full border border-current",
};

export function Chip({ tone, moving = false, children }: { tone: Tone; moving?: boolean; children: ReactNode }) {
  return (
    <span
      className={`inline-flex h-5 items-center gap-1.5 rounded px-1.5 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      <span aria-hidden className={`size-1.5 shrink-0 ${SHAPES[tone]} ${moving ? "animate-pulse-soft" : ""}`} />
      {children}
    </span>
  );
}

interface Meaning {
  tone: Tone;
  word?: string;
  moving?: boolean;
}

/** One closed set for everything that has a status: the words of the API are unambiguous. */
const MEANINGS: Record<string, Meaning> = {
  ACTIVE: { tone: "ok" },
  PENDING: { tone: "info", moving: true },
  PAST_DUE: { tone: "bad", word: "Past due" },
  CANCELLED: { tone: "idle" },
  EXPIRED: { tone: "idle" },
  DRAFT: { tone: "idle" },
  OPEN: { tone: "warn" },
  PAID: { tone: "ok" },
  VOID: { tone: "idle" },
  UNCOLLECTIBLE: { tone: "bad" },
  PROCESSING: { tone: "info", moving: true },
  REQUIRES_ACTION: { tone: "ask", word: "Needs payer", moving: true },
  SUCCEEDED: { tone: "ok" },
  FAILED: { tone: "bad" },
  RUNNING: { tone: "info", moving: true },
  INTENDED: { tone: "info", word: "Under way", moving: true },
  DONE: { tone: "ok" },
  REFUSED: { tone: "bad" },
  IGNORED: { tone: "idle" },
  PARKED: { tone: "warn" },
  DEAD: { tone: "bad" },
  UP: { tone: "ok" },
  DOWN: { tone: "bad" },
  GRANT: { tone: "ok" },
  ADJUSTMENT: { tone: "info" },
  USAGE: { tone: "idle" },
  EXPIRY: { tone: "warn" },
  CLAWBACK: { tone: "bad" },
};

export function Status({ value }: { value: string }) {
  const meaning = MEANINGS[value] ?? { tone: "idle" as const };
  return (
    <Chip tone={meaning.tone} moving={meaning.moving}>
      {meaning.word ?? words(value)}
    </Chip>
  );
}

export const TIERS = ["FREE", "PRO", "TEAM", "ENTERPRISE"] as const;
export type TierName = (typeof TIERS)[number];

/** Its rank is drawn as bars, so that a column of tiers is read at a glance. */
export function Tier({ value }: { value: string }) {
  const rank = TIERS.indexOf(value as TierName);
  return (
    <span className="inline-flex items-center gap-1.5 text-sm font-medium whitespace-nowrap">
      <svg aria-hidden viewBox="0 0 14 12" className="h-3 w-3.5 shrink-0 text-accent">
        {TIERS.map((tier, place) => (
          <rect
            key={tier}
            x={place * 3.5}
            y={9 - place * 2.6}
            width="2.4"
            height={3 + place * 2.6}
            rx="0.7"
            fill="currentColor"
            opacity={place <= rank ? 1 : 0.22}
          />
        ))}
      </svg>
      {words(value)}
    </span>
  );
}
