import type { TypedDocumentNode } from "@urql/core";
import { useEffect, useRef, useState } from "react";
import { type AnyVariables, type CombinedError, useQuery } from "urql";
import { aheadMs } from "./clock";
import { connection, type Happening, onHappening } from "./live";
import { useInBrowser, useStore } from "./store";

const GATHER_MS = 150;
const REST_SECONDS = 0.8;
const RATE_LIMITED_MS = 5_000;
const OFFLINE_POLL_MS = 10_000;

export interface LiveOptions {
  /** Ask nothing for now. */
  pause?: boolean;
  /** Which happenings change the answer; all, if left out. */
  concerns?: (happening: Happening) => boolean;
  /** For what no happening tells of. */
  everySeconds?: number;
  /** The least time between two questions: every question is counted by the service. */
  restSeconds?: number;
}

export interface Live<D> {
  data: D | undefined;
  error: CombinedError | undefined;
  /** Nothing to show yet. */
  loading: boolean;
  refresh: () => void;
}

/** A query that stays current. While it is asked again, or fails, what was there stays. */
export function useLive<D, V extends AnyVariables>(
  query: TypedDocumentNode<D, V>,
  variables: V,
  options: LiveOptions = {},
): Live<D> {
  const inBrowser = useInBrowser();
  const pause = options.pause || !inBrowser;
  const [result, execute] = useQuery({ query, variables, pause } as Parameters<typeof useQuery<D, V>>[0]);
  const key = JSON.stringify(variables);
  const kept = useRef<{ key: string; data: D } | undefined>(undefined);
  // With an error it is null: then what was there stays.
  if (result.data && !result.fetching) kept.current = { key, data: result.data };
  const refresh = () => execute({ requestPolicy: "network-only" });
  useRefresh(refresh, { ...options, pause });
  useSecondTry(refresh, result.error);
  const data = result.data ?? kept.current?.data;
  return { data, error: result.error, loading: data === undefined && !result.error, refresh };
}

export function isRateLimited(error: CombinedError | undefined): boolean {
  return error?.graphQLErrors.some((each) => each.extensions?.code === "RATE_LIMITED") ?? false;
}

function useSecondTry(refresh: () => void, error: CombinedError | undefined): void {
  const latest = useRef(refresh);
  useEffect(() => {
    latest.current = refresh;
  });
  useEffect(() => {
    if (!isRateLimited(error)) return;
    const timer = setTimeout(() => latest.current(), RATE_LIMITED_MS);
    return () => clearTimeout(timer);
  }, [error]);
}

function useRefresh(refresh: () => void, options: LiveOptions): void {
  const latest = useRef({ refresh, options });
  useEffect(() => {
    latest.current = { refresh, options };
  });
  const { pause, everySeconds } = options;
  useEffect(() => {
    if (pause) return;
    let waiting: ReturnType<typeof setTimeout> | undefined;
    let asked = Date.now();
    const ask = () => {
      waiting = undefined;
      asked = Date.now();
      if (document.visibilityState === "visible") latest.current.refresh();
    };
    const soon = () => {
      const rest = (latest.current.options.restSeconds ?? REST_SECONDS) * 1000 - (Date.now() - asked);
      waiting ??= setTimeout(ask, Math.max(GATHER_MS, rest));
    };
    const stopListening = onHappening((happening) => {
      const concerns = latest.current.options.concerns;
      if (happening === null || !concerns || concerns(happening)) soon();
    });
    const beat = setInterval(
      () => {
        if (connection.get() !== "live" || everySeconds) soon();
      },
      (everySeconds ?? OFFLINE_POLL_MS / 1000) * 1000,
    );
    const onVisible = () => document.visibilityState === "visible" && soon();
    document.addEventListener("visibilitychange", onVisible);
    window.addEventListener("online", soon);
    return () => {
      clearTimeout(waiting);
      clearInterval(beat);
      stopListening();
      document.removeEventListener("visibilitychange", onVisible);
      window.removeEventListener("online", soon);
    };
  }, [pause, everySeconds]);
}

/** Now by the service's clock. Re-renders every so often, for what is said relative to it. */
export function useNow(everySeconds = 15): number {
  const ahead = useStore(aheadMs, 0);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everySeconds * 1000);
    return () => clearInterval(timer);
  }, [everySeconds]);
  return now + ahead;
}
