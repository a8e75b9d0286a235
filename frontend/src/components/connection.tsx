"use client";

import { useEffect, useRef } from "react";
import { type Client, useClient, useSubscription } from "urql";
import { graphql } from "@/lib/graphql";
import { type Connection, connection, happened, socketIs } from "@/lib/live";
import { useInBrowser, useStore } from "@/lib/store";
import { useRefusal } from "@/lib/viewer";

const ACTIVITY = graphql(`
  subscription Activity {
    activity { cursor at kind summary entityId operationId }
  }
`);

const NEWEST = graphql(`
  query Newest {
    latestActivity(first: 1) { at }
  }
`);

/** As long as the socket takes to open, and a transaction to be committed. */
const OPENING_MS = 10_000;

/** The one subscription that is always there: it keeps the socket open, and its beat refreshes every page. */
export function Heartbeat() {
  const inBrowser = useInBrowser();
  const refused = useRefusal("activity") !== null;
  const [{ data }] = useSubscription({ query: ACTIVITY, pause: !inBrowser || refused });
  useEffect(() => {
    if (refused) socketIs(false);
  }, [refused]);
  const client = useClient();
  const seen = useRef<string | undefined>(undefined);
  const wasLive = useRef(false);
  useEffect(() => {
    const event = data?.activity;
    if (!event || seen.current === event.cursor + event.at) return;
    seen.current = event.cursor + event.at;
    if (event.kind !== "present") return happened(event);
    // How things stand, at first and after each break. What a break hid is unknown; what the page asked for at first
    // is a moment old, and dear to ask twice.
    if (wasLive.current) return happened(null);
    wasLive.current = true;
    void missedSomething(client, event.at).then((missed) => missed && happened(null));
  }, [data, client]);
  return null;
}

async function missedSomething(client: Client, openedAt: string): Promise<boolean> {
  const { data } = await client.query(NEWEST, {}, { requestPolicy: "network-only" }).toPromise();
  if (!data) return true;
  const newest = data.latestActivity[0];
  return newest !== undefined && Date.parse(openedAt) - Date.parse(newest.at) < OPENING_MS;
}

const SAID: Record<Connection, { word: string; hint: string; dot: string }> = {
  connecting: { word: "Connecting", hint: "Opening the live connection.", dot: "bg-faint animate-pulse-soft" },
  live: { word: "Live", hint: "What happens is shown as it happens.", dot: "bg-ok" },
  polling: {
    word: "Polling",
    hint: "There is no live connection; everything is asked again every 10 seconds.",
    dot: "bg-warn",
  },
  offline: {
    word: "Offline",
    hint: "The service does not answer. What is shown is as it was; it is asked again by itself.",
    dot: "bg-bad",
  },
};

export function ConnectionIndicator() {
  const state = useStore<Connection>(connection, "connecting");
  const { word, hint, dot } = SAID[state];
  return (
    <span
      role="status"
      data-connection={state}
      title={hint}
      className="inline-flex items-center gap-1.5 text-xs text-muted whitespace-nowrap"
    >
      <span aria-hidden className={`size-2 rounded-full ${dot}`} />
      {word}
    </span>
  );
}

export function OfflineBanner() {
  const state = useStore<Connection>(connection, "connecting");
  if (state !== "offline") return null;
  return (
    <p role="alert" className="sticky top-13 z-10 border-b bg-bad-soft px-4 py-2 text-center text-sm text-bad">
      The service does not answer. What you see is as it was; it is asked again by itself.
    </p>
  );
}
