"use client";

import Link from "next/link";
import { useState } from "react";
import { plural, words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { usePager } from "@/lib/pager";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { useSteer, useVerb } from "@/lib/verb";
import { Button } from "./button";
import { Card, Facts } from "./card";
import { Dialog, DialogActions } from "./dialog";
import { choices, FilterSelect, SearchInput } from "./form";
import { Problems } from "./problems";
import { Empty, LiveProblem, Loaded, Problem, Skeleton } from "./states";
import { Status } from "./status";
import { Listing } from "./table";
import { toast } from "./toast";
import { Id, Nothing, When } from "./value";

const PAGE = 25;

const EVENTS = graphql(`
  query WebhookEvents($first: Int!, $after: String, $filter: WebhookEventFilter) {
    webhookEvents(first: $first, after: $after, filter: $filter) {
      totalCount
      nodes { id provider eventId type state attempts lastError nextAttemptAt receivedAt entityId }
      pageInfo { hasNextPage endCursor }
    }
    dead: webhookEvents(first: 1, filter: { state: DEAD }) { totalCount }
  }
`);

const ONE = graphql(`
  query WebhookEvent($eventId: String!, $provider: Provider!) {
    webhookEvents(first: 1, filter: { eventId: $eventId, provider: $provider }) {
      nodes {
        id
        provider
        eventId
        type
        state
        attempts
        lastError
        nextAttemptAt
        receivedAt
        occurredAt
        handledAt
        entityId
        payload
      }
    }
  }
`);

const REPLAY = graphql(`
  mutation ReplayEvent($input: ReplayWebhookEventInput!) {
    replayWebhookEvent(input: $input) {
      event { state }
      userErrors { code message field }
    }
  }
`);

const REPLAY_DEAD = graphql(`
  mutation ReplayDead {
    replayDeadWebhookEvents { replayed }
  }
`);

type Row = ResultOf<typeof EVENTS>["webhookEvents"]["nodes"][number];
type State = Row["state"];
type Provider = Row["provider"];

const STATES: State[] = ["PENDING", "DONE", "IGNORED", "PARKED", "DEAD"];
const PROVIDERS: Provider[] = ["METRONOME", "STRIPE"];

export function WebhookTable() {
  const pager = usePager();
  const { parameters } = pager;
  const [shown, setShown] = useState<Row | null>(null);
  const state = STATES.find((each) => each === parameters.get("state")) ?? null;
  const provider = PROVIDERS.find((each) => each === parameters.get("provider")) ?? null;
  const entityId = parameters.get("customer") || null;
  const type = parameters.get("type") || null;
  const live = useLive(
    EVENTS,
    { first: PAGE, after: pager.after, filter: { state, provider, entityId, type } },
    { everySeconds: 4 },
  );
  const filtered = Boolean(state || provider || entityId || type);
  const clear = () => pager.filter({ state: null, provider: null, customer: null, type: null });
  return (
    <>
      <Card flush>
        <div className="flex flex-wrap items-center gap-2 border-b p-3">
          <SearchInput
            label="Customer"
            placeholder="Entity id of a customer"
            value={entityId ?? ""}
            onChange={(next) => pager.filter({ customer: next.trim() })}
          />
          <SearchInput
            label="Type"
            placeholder="Type, as payment_intent.succeeded"
            value={type ?? ""}
            onChange={(next) => pager.filter({ type: next.trim() })}
          />
          <FilterSelect
            label="State"
            value={state ?? ""}
            choices={choices(STATES)}
            onChange={(next) => pager.filter({ state: next })}
          />
          <FilterSelect
            label="Provider"
            value={provider ?? ""}
            choices={choices(PROVIDERS)}
            onChange={(next) => pager.filter({ provider: next })}
          />
          {filtered ? (
            <Button look="quiet" onClick={clear}>
              Clear
            </Button>
          ) : null}
          <ReplayDead dead={live.data?.dead.totalCount ?? 0} />
        </div>
        <Loaded live={live} label="webhook events" rows={8}>
          {({ webhookEvents }) => (
            <Listing
              label="Webhook events"
              one="event"
              page={webhookEvents}
              pager={pager}
              head={
                <>
                  <th>State</th>
                  <th>Type</th>
                  <th>Provider</th>
                  <th>Customer</th>
                  <th className="!text-right">Attempts</th>
                  <th className="!text-right">Received</th>
                </>
              }
              empty={
                filtered ? (
                  <Empty title="No event is like that" action={<Button onClick={clear}>Clear the filters</Button>}>
                    The type must match exactly; all filters must hold at once.
                  </Empty>
                ) : (
                  <Empty title="No events yet">Metronome and Stripe tell here what happens on their side.</Empty>
                )
              }
            >
              {(row) => <EventRow key={row.id} row={row} onShow={() => setShown(row)} />}
            </Listing>
          )}
        </Loaded>
      </Card>
      {shown ? <EventDialog row={shown} onClose={() => setShown(null)} /> : null}
    </>
  );
}

function EventRow({ row, onShow }: { row: Row; onShow: () => void }) {
  return (
    <tr>
      <td>
        <Status value={row.state} />
      </td>
      <td className="max-w-96 min-w-56">
        <button
          type="button"
          onClick={onShow}
          className="max-w-full truncate font-mono text-xs hover:text-accent hover:underline"
        >
          {row.type}
        </button>
        {row.lastError ? (
          <span
            className={`block truncate text-xs ${row.state === "IGNORED" ? "text-muted" : "text-bad"}`}
            title={row.lastError}
          >
            {row.lastError}
          </span>
        ) : null}
      </td>
      <td>{words(row.provider)}</td>
      <td className="max-w-48">
        {row.entityId ? (
          <Link
            href={customerPath(row.entityId)}
            prefetch={false}
            className="block truncate hover:text-accent hover:underline"
          >
            {row.entityId}
          </Link>
        ) : (
          <Nothing why="not known" />
        )}
      </td>
      <td className="text-right tabular-nums">
        {row.attempts}
        {row.nextAttemptAt && row.attempts > 0 ? (
          <span className="block text-xs text-muted">
            next <When at={row.nextAttemptAt} />
          </span>
        ) : null}
      </td>
      <td className="text-right text-muted">
        <When at={row.receivedAt} />
      </td>
    </tr>
  );
}

function ReplayDead({ dead }: { dead: number }) {
  const [asking, setAsking] = useState(false);
  const replay = useSteer(REPLAY_DEAD);
  if (!dead && !asking) return null;
  const confirm = async () => {
    const answer = await replay.run({});
    if (!answer) return;
    toast(`${plural(answer.replayed, "event")} will be handled again`);
    setAsking(false);
  };
  return (
    <>
      <Button needs="replayDeadWebhookEvents" onClick={() => setAsking(true)}>
        Replay {plural(dead, "dead event")}
      </Button>
      {asking ? (
        <Dialog title={`Replay ${plural(dead, "dead event")}`} onClose={() => setAsking(false)}>
          <Problems errors={replay.errors} />
          <p className="text-sm text-muted">
            Each is handled again, with all its attempts before it. What an event changed already, it does not change
            twice. Do this once the reason for the failures is mended.
          </p>
          <DialogActions>
            <Button onClick={() => setAsking(false)}>Leave them</Button>
            <Button look="primary" busy={replay.busy} onClick={confirm}>
              Replay them
            </Button>
          </DialogActions>
        </Dialog>
      ) : null}
    </>
  );
}

function EventDialog({ row, onClose }: { row: Row; onClose: () => void }) {
  const live = useLive(ONE, { eventId: row.eventId, provider: row.provider }, { everySeconds: 3 });
  const replay = useVerb(REPLAY);
  const event = live.data?.webhookEvents.nodes[0];
  const again = async () => {
    if (await replay.run({ id: row.id })) toast("It will be handled again");
  };
  return (
    <Dialog title={row.type} onClose={onClose} side>
      <LiveProblem live={live} />
      {event ? (
        <div className="space-y-4">
          <Problems errors={replay.errors} />
          {event.lastError ? (
            event.state === "IGNORED" ? (
              <p className="rounded-md bg-line/50 px-3 py-2 text-sm text-muted">{event.lastError}</p>
            ) : (
              <Problem title="What went wrong">{event.lastError}</Problem>
            )
          ) : null}
          <Facts
            rows={[
              ["State", <Status key="s" value={event.state} />],
              ["Provider", words(event.provider)],
              ["Event id", <Id key="e" value={event.eventId} label="event id" />],
              ["Our id", <Id key="i" value={event.id} label="internal id" />],
              ["Customer", <Whose key="c" entityId={event.entityId} />],
              ["Attempts", String(event.attempts)],
              ["Occurred", <When key="o" at={event.occurredAt} full />],
              ["Received", <When key="r" at={event.receivedAt} full />],
              ["Handled", <When key="h" at={event.handledAt} full />],
              ["Next attempt", <When key="n" at={event.nextAttemptAt} />],
            ]}
          />
          <Button needs="replayWebhookEvent" busy={replay.busy} disabled={event.state === "PENDING"} onClick={again}>
            Replay
          </Button>
          <section aria-label="Payload">
            <h3 className="mb-1 text-sm font-medium">Payload</h3>
            <pre className="overflow-x-auto rounded-md border bg-bg p-3 font-mono text-xs whitespace-pre-wrap [overflow-wrap:anywhere]">
              {pretty(event.payload)}
            </pre>
          </section>
        </div>
      ) : (
        <Skeleton className="h-80 w-full" />
      )}
    </Dialog>
  );
}

function Whose({ entityId }: { entityId: string | null }) {
  if (!entityId) return <Nothing why="not known" />;
  return (
    <Link href={customerPath(entityId)} prefetch={false} className="text-accent hover:underline">
      {entityId}
    </Link>
  );
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload;
  }
}
