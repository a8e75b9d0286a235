"use client";

import { graphql } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { Card } from "../card";
import { Empty, Loaded } from "../states";
import { Status } from "../status";
import { Id, When } from "../value";
import { Allowed } from "../viewer";

const EVENTS = graphql(`
  query CustomerEvents($entityId: String!) {
    webhookEvents(first: 12, filter: { entityId: $entityId }) {
      nodes { id provider eventId type state attempts lastError receivedAt }
    }
  }
`);

export function Events({ entityId }: { entityId: string }) {
  return (
    <Card title="Webhook events" hint="what the providers told about this customer" flush>
      <Allowed needs="webhookEvents" what="Webhook events">
        <EventList entityId={entityId} />
      </Allowed>
    </Card>
  );
}

function EventList({ entityId }: { entityId: string }) {
  const live = useLive(EVENTS, { entityId }, { concerns: (event) => event.entityId === entityId, everySeconds: 5 });
  return (
    <Loaded live={live} label="webhook events" rows={3}>
      {({ webhookEvents }) =>
        webhookEvents.nodes.length ? (
          <ul className="divide-y">
            {webhookEvents.nodes.map((event) => (
              <li key={event.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-sm">
                <Status value={event.state} />
                <span className="font-mono text-xs [overflow-wrap:anywhere]">{event.type}</span>
                <span className="text-xs text-muted">{event.provider === "STRIPE" ? "Stripe" : "Metronome"}</span>
                <Id value={event.eventId} label="event id" short />
                <span className="ml-auto text-xs text-faint">
                  <When at={event.receivedAt} />
                </span>
                {event.lastError && event.state !== "IGNORED" ? (
                  <p className="line-clamp-2 w-full text-xs text-bad [overflow-wrap:anywhere]" title={event.lastError}>
                    {event.lastError}
                  </p>
                ) : null}
              </li>
            ))}
          </ul>
        ) : (
          <Empty title="No events yet">They arrive a moment after what they tell of.</Empty>
        )
      }
    </Loaded>
  );
}
