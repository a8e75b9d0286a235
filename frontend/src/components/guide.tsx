"use client";

import { Check, Copy, Play } from "lucide-react";
import { useEffect, useState } from "react";
import { happened } from "@/lib/live";
import { customerPath } from "@/lib/url";
import { newKey } from "@/lib/verb";
import { Button, LinkButton } from "./button";
import { Card } from "./card";
import { AnswerBox, type GuideAnswer } from "./guide-answer";
import { type GuideStep, STEPS } from "./guide-steps";
import { toast } from "./toast";
import { Id, writeToClipboard } from "./value";

const REMEMBERED = "guide-customer";

export function Guide() {
  const [entityId, renew] = useDemoCustomer();
  const [answers, setAnswers] = useState<Record<number, GuideAnswer>>({});
  const done = Object.values(answers).some((answer) => answer.ok && answer.step === 1);
  const restart = () => {
    renew();
    setAnswers({});
  };
  return (
    <div className="space-y-4">
      <Card title="The demo customer">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm">
          <Id value={entityId} label="entity id of the demo customer" />
          <span className="min-w-0 flex-1 basis-60 text-muted">
            The steps below are done on this one, in their order; nobody else is touched.
          </span>
          {done && entityId ? <LinkButton href={customerPath(entityId)}>Open it</LinkButton> : null}
          <Button onClick={restart}>Begin anew</Button>
        </div>
      </Card>
      <ol className="space-y-4">
        {STEPS.map((step, place) => (
          <li key={step.title}>
            <Step
              step={step}
              number={place + 1}
              entityId={entityId}
              answer={answers[place]}
              onAnswer={(answer) => setAnswers((known) => ({ ...known, [place]: { ...answer, step: place } }))}
            />
          </li>
        ))}
      </ol>
    </div>
  );
}

function useDemoCustomer(): [string | null, () => void] {
  const [entityId, setEntityId] = useState<string | null>(null);
  const renew = () => {
    const made = `guide_${newKey().slice(-8)}`;
    try {
      sessionStorage.setItem(REMEMBERED, made);
    } catch {}
    setEntityId(made);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, in the browser
  useEffect(() => {
    let known: string | null = null;
    try {
      known = sessionStorage.getItem(REMEMBERED);
    } catch {}
    if (known) setEntityId(known);
    else renew();
  }, []);
  return [entityId, renew];
}

function Step({
  step,
  number,
  entityId,
  answer,
  onAnswer,
}: {
  step: GuideStep;
  number: number;
  entityId: string | null;
  answer: GuideAnswer | undefined;
  onAnswer: (answer: Omit<GuideAnswer, "step">) => void;
}) {
  const [busy, setBusy] = useState(false);
  const document = step.document.replaceAll("ENTITY", entityId ?? "…");
  const act = async () => {
    setBusy(true);
    onAnswer(await ask(document, step.verb));
    setBusy(false);
    happened(null);
  };
  return (
    <Card
      title={
        <span className="flex items-center gap-2.5">
          <span
            className={`flex size-6 items-center justify-center rounded-full text-xs font-semibold ${answer?.ok ? "bg-ok-soft text-ok" : "bg-accent-soft text-accent"}`}
          >
            {answer?.ok ? <Check aria-label="done" className="size-3.5" /> : number}
          </span>
          {step.title}
        </span>
      }
    >
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)]">
        <div className="min-w-0">
          <p className="mb-3 text-sm text-muted">{step.text}</p>
          <Button
            needs={step.verb}
            look={answer?.ok ? "plain" : "primary"}
            busy={busy}
            disabled={!entityId}
            onClick={act}
          >
            <Play aria-hidden className="size-3.5" /> {step.act}
          </Button>
        </div>
        <div className="min-w-0">
          <div className="overflow-hidden rounded-md border">
            <div className="flex items-center justify-end gap-1 border-b bg-raised px-2 py-1">
              <Button
                look="quiet"
                aria-label={`Copy the GraphQL of “${step.title}”`}
                onClick={async () => {
                  await writeToClipboard(document);
                  toast("Copied");
                }}
              >
                <Copy aria-hidden className="size-3.5" /> Copy
              </Button>
              <a
                href={`/graphql?q=${encodeURIComponent(document)}`}
                target="_blank"
                rel="noreferrer"
                title="Open it in GraphiQL"
                className="inline-flex min-h-8 items-center rounded-md px-3 text-sm font-medium text-muted hover:bg-line/60 hover:text-ink"
              >
                GraphiQL<span className="sr-only"> for “{step.title}”</span>
              </a>
            </div>
            <pre
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
              tabIndex={0}
              className="max-h-80 overflow-auto bg-bg p-3 font-mono text-xs leading-5 whitespace-pre-wrap"
            >
              {document}
            </pre>
          </div>
          {answer ? <AnswerBox answer={answer} /> : null}
        </div>
      </div>
    </Card>
  );
}

/** As anybody would send it: the guide shows the request itself, not a client's idea of it. */
async function ask(document: string, verb: string): Promise<Omit<GuideAnswer, "step">> {
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: document }),
    });
    const body = (await response.json()) as { data?: Record<string, unknown>; errors?: unknown[] };
    const payload = body.data?.[verb] as { userErrors?: unknown[] } | undefined;
    const ok = !body.errors?.length && payload !== undefined && !payload.userErrors?.length;
    return { ok, text: JSON.stringify(body, null, 2) };
  } catch {
    return { ok: false, text: "The service did not answer." };
  }
}
