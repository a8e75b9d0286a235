"use client";

import { CircleAlert, RotateCw, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import type { CombinedError } from "urql";
import { type Connection, connection } from "@/lib/live";
import { useStore } from "@/lib/store";
import { isRateLimited } from "@/lib/use-live";
import { Button } from "./button";

/** Of the shape that is coming, so that nothing jumps when it comes. */
export function Skeleton({ className = "h-4 w-24" }: { className?: string }) {
  return <span aria-hidden className={`block animate-pulse-soft rounded bg-line ${className}`} />;
}

export function SkeletonRows({ rows = 5, label }: { rows?: number; label: string }) {
  return (
    <div role="status" className="divide-y">
      <span className="sr-only">Loading {label}</span>
      {Array.from({ length: rows }, (_, place) => place).map((place) => (
        <div key={place} className="flex items-center gap-4 px-4 py-3">
          <Skeleton className="h-4 w-1/4" />
          <Skeleton className="h-4 w-1/6" />
          <Skeleton className="ml-auto h-4 w-1/6" />
        </div>
      ))}
    </div>
  );
}

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-8 text-center">
      <SearchX aria-hidden className="mb-1 size-5 text-faint" />
      <p className="font-medium">{title}</p>
      {children ? <p className="max-w-md text-sm text-muted">{children}</p> : null}
      {action ? <div className="mt-3">{action}</div> : null}
    </div>
  );
}

export function Problem({ title, children, onRetry }: { title: string; children?: ReactNode; onRetry?: () => void }) {
  return (
    <div role="alert" className="flex flex-wrap items-start gap-x-3 gap-y-2 rounded-md bg-bad-soft px-3 py-2 text-sm">
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
      <div className="min-w-0 flex-1">
        <p className="font-medium text-bad">{title}</p>
        {children ? <div className="text-ink [overflow-wrap:anywhere] first-letter:uppercase">{children}</div> : null}
      </div>
      {onRetry ? (
        <Button onClick={onRetry}>
          <RotateCw aria-hidden className="size-3.5" /> Retry
        </Button>
      ) : null}
    </div>
  );
}

interface Asked {
  data: unknown;
  error: CombinedError | undefined;
  refresh: () => void;
}

/** Nothing while the service is away and there is something to see: the banner above the page says it, once. */
export function LiveProblem({ live, className = "" }: { live: Asked; className?: string }) {
  const offline = useStore<Connection>(connection, "connecting") === "offline";
  if (!live.error || (offline && live.data !== undefined)) return null;
  return (
    <div className={className}>
      <QueryProblem error={live.error} onRetry={live.refresh} />
    </div>
  );
}

/** What went wrong with a question, and what to do about it. */
export function QueryProblem({ error, onRetry }: { error: CombinedError; onRetry: () => void }) {
  const { title, advice } = explain(error);
  return (
    <Problem title={title} onRetry={onRetry}>
      {advice}
    </Problem>
  );
}

export function explain(error: CombinedError): { title: string; advice: string } {
  if (error.networkError) {
    return {
      title: "The service does not answer",
      advice: "What is shown may be old. It is asked again by itself; see that the service is running.",
    };
  }
  if (isRateLimited(error)) {
    return { title: "Too much was asked in a short time", advice: "It is asked again by itself in a few seconds." };
  }
  const first = error.graphQLErrors[0];
  if (first?.extensions?.code === "FORBIDDEN") {
    return { title: first.message, advice: "Sign in with a key that has it to see this." };
  }
  const reference = first?.extensions?.correlationId;
  return {
    title: first?.message ?? "The service refused the question",
    advice: reference ? `The log has the details under ${String(reference)}.` : "Change what was asked, or try again.",
  };
}

/** What a list shows in each of its states; what was there before stays while it is asked again. */
export function Loaded<T>({
  live,
  label,
  rows,
  children,
}: {
  live: { data: T | undefined; error: CombinedError | undefined; loading: boolean; refresh: () => void };
  label: string;
  rows?: number;
  children: (data: T) => ReactNode;
}) {
  return (
    <>
      <LiveProblem live={live} className="p-3" />
      {live.loading ? <SkeletonRows label={label} rows={rows} /> : null}
      {live.data === undefined ? null : children(live.data)}
    </>
  );
}
