"use client";

import { CalendarPlus, FastForward } from "lucide-react";
import { useState } from "react";
import { words } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { useSteer } from "@/lib/verb";
import { Activity } from "./activity";
import { Button } from "./button";
import { Card } from "./card";
import { useEnvironment } from "./environment";
import { Field, Segmented, Select } from "./form";
import { Problems } from "./problems";
import { Empty, LiveProblem, Loaded, Skeleton } from "./states";
import { Chip } from "./status";
import { Table } from "./table";
import { toast } from "./toast";
import { Id, When } from "./value";

const SANDBOX = graphql(`
  query Sandbox {
    sandbox {
      now
      nextEvent { at what }
      faults { provider kind times hits }
      cards { paymentMethodId number does }
    }
  }
`);

const ADVANCE = graphql(`
  mutation Advance($input: AdvanceSandboxClockInput!) {
    advanceSandboxClock(input: $input) {
      sandbox { now }
      userErrors { code message field }
    }
  }
`);

const ADD_FAULT = graphql(`
  mutation AddFault($input: AddSandboxFaultInput!) {
    addSandboxFault(input: $input) {
      userErrors { code message field }
    }
  }
`);

const CLEAR_FAULTS = graphql(`
  mutation ClearFaults {
    clearSandboxFaults {
      userErrors { code message field }
    }
  }
`);

type Kind = "OUTAGE" | "LOST_ANSWERS" | "NOT_JSON" | "SLOW";

const KINDS: { value: Kind; label: string; hint: string }[] = [
  { value: "OUTAGE", label: "It is down", hint: "Nothing happens there. The operation waits and tries again." },
  {
    value: "LOST_ANSWERS",
    label: "It does it, and the answer is lost",
    hint: "The hardest one: it happened, and nobody was told. It must not happen twice.",
  },
  { value: "NOT_JSON", label: "It does it, and answers nonsense", hint: "Was it done? The service finds out." },
  { value: "SLOW", label: "It is slow", hint: "Everything goes well, slowly: watch the steps." },
];

export function Sandbox() {
  const environment = useEnvironment();
  const here = environment?.mode === "SANDBOX";
  const live = useLive(SANDBOX, {}, { pause: !here, everySeconds: 5, restSeconds: 1 });
  if (environment && !here) {
    return (
      <Empty title="There is no sandbox here">The service drives the real providers: time and cards are real.</Empty>
    );
  }
  const sandbox = live.data?.sandbox ?? undefined;
  return (
    <div className="space-y-4">
      <LiveProblem live={live} />
      <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1.3fr)_minmax(0,1fr)]">
        <div className="min-w-0 space-y-4">
          <Clock now={sandbox?.now} next={sandbox?.nextEvent ?? null} />
          <Faults faults={sandbox?.faults} />
          <Card title="Test cards" hint="for “New customer”, and for any customer" flush>
            <Loaded live={live} label="test cards">
              {(data) => (
                <Table
                  label="Test cards"
                  head={
                    <>
                      <th>Number</th>
                      <th>Payment method</th>
                      <th>What it does</th>
                    </>
                  }
                >
                  {(data.sandbox?.cards ?? []).map((card) => (
                    <tr key={card.paymentMethodId}>
                      <td className="font-medium whitespace-nowrap tabular-nums">{card.number}</td>
                      <td className="max-w-64">
                        <Id value={card.paymentMethodId} label="payment method" />
                      </td>
                      <td className="min-w-52 text-muted">{card.does}</td>
                    </tr>
                  ))}
                </Table>
              )}
            </Loaded>
          </Card>
        </div>
        <Activity first={30} />
      </div>
    </div>
  );
}

const instantFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short", timeZone: "UTC" });

const DAY_MS = 86_400_000;
type Step = "DAY" | "MONTH" | "NEXT_EVENT";

function Clock({ now, next }: { now: string | undefined; next: { at: string; what: string } | null }) {
  const advance = useSteer(ADVANCE);
  const go = async (input: { by?: Step; to?: string }, said: string) => {
    if (await advance.run({ input: { by: null, to: null, ...input } })) toast(said);
  };
  const ahead = (days: number) => new Date(Date.parse(now ?? "") + days * DAY_MS).toISOString();
  return (
    <Card title="Clock" hint="of both mocks, and of the service">
      <Problems errors={advance.errors} />
      {now ? (
        <p className="text-lg font-semibold" data-sandbox-now={now}>
          {instantFormat.format(new Date(now))} <span className="text-sm font-normal text-muted">UTC</span>
        </p>
      ) : (
        <Skeleton className="h-6 w-64" />
      )}
      <p className="mt-1 mb-4 min-h-5 text-sm text-muted [overflow-wrap:anywhere]">
        {next ? (
          <>
            Next: {next.what}, <When at={next.at} />.
          </>
        ) : now ? (
          "Nothing is due: no subscription is live, and no invoice waits."
        ) : null}
      </p>
      <div className="flex flex-wrap gap-2">
        <Button
          look="primary"
          needs="advanceSandboxClock"
          busy={advance.busy}
          disabled={!next}
          onClick={() => go({ by: "NEXT_EVENT" }, next ? next.what : "Done")}
        >
          <FastForward aria-hidden className="size-3.5" /> To the next event
        </Button>
        <Button needs="advanceSandboxClock" busy={advance.busy} onClick={() => go({ by: "DAY" }, "A day has passed")}>
          <CalendarPlus aria-hidden className="size-3.5" /> A day
        </Button>
        <Button
          needs="advanceSandboxClock"
          busy={advance.busy}
          disabled={!now}
          onClick={() => go({ to: ahead(7) }, "A week has passed")}
        >
          <CalendarPlus aria-hidden className="size-3.5" /> A week
        </Button>
        <Button
          needs="advanceSandboxClock"
          busy={advance.busy}
          onClick={() => go({ by: "MONTH" }, "A month has passed")}
        >
          <CalendarPlus aria-hidden className="size-3.5" /> A month
        </Button>
        <Button
          needs="advanceSandboxClock"
          busy={advance.busy}
          disabled={!now}
          onClick={() => go({ to: ahead(365) }, "365 days have passed")}
        >
          <CalendarPlus aria-hidden className="size-3.5" /> 365 days
        </Button>
      </div>
      <p className="mt-3 text-xs text-faint">
        Time never goes back. What falls due on the way happens: renewals, invoices, retries, expiring credits.
      </p>
    </Card>
  );
}

interface Fault {
  provider: "METRONOME" | "STRIPE";
  kind: Kind | null;
  times: number | null;
  hits: number;
}

const PROVIDERS = [
  { value: "STRIPE" as const, label: "Stripe" },
  { value: "METRONOME" as const, label: "Metronome" },
];
const TIMES = [
  { value: "1", label: "Once" },
  { value: "3", label: "3 times" },
  { value: "", label: "Until removed" },
];

function Faults({ faults }: { faults: Fault[] | undefined }) {
  const [provider, setProvider] = useState<Fault["provider"]>("STRIPE");
  const [kind, setKind] = useState<Kind>("OUTAGE");
  const [times, setTimes] = useState("1");
  const add = useSteer(ADD_FAULT);
  const clear = useSteer(CLEAR_FAULTS);
  const hint = KINDS.find((each) => each.value === kind)?.hint;
  const addIt = async () => {
    const input = { provider, kind, times: times ? Number(times) : null };
    if (await add.run({ input })) toast(`${words(provider)} will misbehave`);
  };
  return (
    <Card
      title="Faults"
      hint="what a provider does wrong, from now on"
      actions={
        faults?.length ? (
          <Button
            needs="clearSandboxFaults"
            busy={clear.busy}
            onClick={async () => (await clear.run({})) && toast("Both providers behave again")}
          >
            Remove all
          </Button>
        ) : null
      }
    >
      <Problems errors={[...add.errors, ...clear.errors]} />
      <div className="flex flex-wrap items-start gap-3">
        <Segmented legend="Provider" value={provider} choices={PROVIDERS} onChange={setProvider} />
        <Segmented legend="How often" value={times} choices={TIMES} onChange={setTimes} />
        <div className="min-w-0 flex-1 basis-full lg:basis-56">
          <Field label="What it does" hint={hint}>
            {(wiring) => (
              <Select {...wiring} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
                {KINDS.map((each) => (
                  <option key={each.value} value={each.value}>
                    {each.label}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <div className="lg:pt-6.5">
          <Button look="primary" needs="addSandboxFault" busy={add.busy} onClick={addIt}>
            Break it
          </Button>
        </div>
      </div>
      {faults?.length ? (
        <ul className="mt-4 divide-y rounded-md border">
          {faults.map((fault, place) => (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: faults have no id, and are in the order they were set
              key={place}
              data-fault={fault.provider}
              className="flex flex-wrap items-center gap-x-3 gap-y-1 px-3 py-2 text-sm"
            >
              <Chip tone="bad" moving>
                {words(fault.provider)}
              </Chip>
              <span>{KINDS.find((each) => each.value === fault.kind)?.label ?? "Set at the mock itself"}</span>
              <span className="ml-auto text-xs text-muted">
                {fault.times === null ? "until removed" : `${fault.times - fault.hits} more`}, struck {fault.hits}
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="mt-2 text-sm text-muted">{faults ? "Both providers behave." : ""}</p>
      )}
    </Card>
  );
}
