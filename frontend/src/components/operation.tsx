"use client";

import { Check, Circle, LoaderCircle, X } from "lucide-react";
import Link from "next/link";
import { formatDuration, plural, words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { customerPath } from "@/lib/url";
import { useLive, useNow } from "@/lib/use-live";
import { useSteer } from "@/lib/verb";
import { Button } from "./button";
import { Problems, Warnings } from "./problems";
import { Empty, Problem, QueryProblem, Skeleton } from "./states";
import { Status } from "./status";
import { toast } from "./toast";
import { Id, When } from "./value";

export const OPERATION = graphql(`
  fragment OperationFields on Operation @_unmask {
    id
    kind
    status
    entityId
    stage
    lastProblem
    createdAt
    updatedAt
    finishedAt
    warnings { code message }
    error { code message }
    steps {
      name
      attempt
      provider
      state
      sends
      idempotencyKey
      objectId
      requestId
      errorCode
      errorMessage
      firstSentAt
      settledAt
    }
  }
`);

export type Operation = ResultOf<typeof OPERATION>;
type Step = Operation["steps"][number];

const ONE = graphql(
  `
    query Operation($id: ID!) {
      operation(id: $id) { ...OperationFields }
    }
  `,
  [OPERATION],
);

const RESUME = graphql(`
  mutation Resume($input: ResumeOperationInput!) {
    resumeOperation(input: $input) {
      operation { id status }
      userErrors { code message field }
    }
  }
`);

/** One operation as it runs, step by step. */
export function FollowedOperation({ id, named = false }: { id: string; named?: boolean }) {
  const live = useLive(ONE, { id }, { concerns: (event) => event.operationId === id, everySeconds: 3, restSeconds: 0 });
  if (live.error && !live.data) return <QueryProblem error={live.error} onRetry={live.refresh} />;
  if (live.loading) return <Skeleton className="h-32 w-full" />;
  const operation = live.data?.operation;
  if (!operation) return <Empty title="There is no such operation">It may belong to another service.</Empty>;
  return <OperationDetails operation={operation} named={named} />;
}

/** `named`: where it is not plain whose it is. */
function OperationDetails({ operation, named }: { operation: Operation; named: boolean }) {
  const resume = useSteer(RESUME);
  const running = operation.status === "RUNNING";
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <Status value={operation.status} />
        <span className="font-medium">{words(operation.kind)}</span>
        {running && operation.stage ? <span className="text-muted">{words(operation.stage)}</span> : null}
        <Took operation={operation} />
        <span className="min-w-0">
          <Id value={operation.id} label="operation id" />
        </span>
      </div>
      {named ? (
        <p className="text-sm text-muted [overflow-wrap:anywhere]">
          Asked <When at={operation.createdAt} /> for{" "}
          <Link href={customerPath(operation.entityId)} prefetch={false} className="text-accent underline">
            {operation.entityId}
          </Link>
        </p>
      ) : null}
      {operation.error ? <Problem title={words(operation.error.code)}>{operation.error.message}</Problem> : null}
      {operation.lastProblem && !operation.finishedAt ? (
        <p className="rounded-md bg-warn-soft px-3 py-2 text-sm text-warn [overflow-wrap:anywhere]">
          Still trying: {operation.lastProblem}
        </p>
      ) : null}
      <Warnings warnings={operation.warnings} />
      <Steps steps={operation.steps} moving={running} />
      {operation.finishedAt ? null : (
        <div>
          <Problems errors={resume.errors} />
          <Button
            needs="resumeOperation"
            busy={resume.busy}
            onClick={async () => {
              if (await resume.run({ input: { operationId: operation.id } }))
                toast("It looks again at what it waits for");
            }}
          >
            Look again now
          </Button>
          <span className="ml-3 text-xs text-faint">It goes on by itself too; this only asks earlier.</span>
        </div>
      )}
    </div>
  );
}

function Took({ operation }: { operation: Operation }) {
  const now = useNow(1);
  const end = operation.finishedAt ? Date.parse(operation.finishedAt) : now;
  return (
    <span className="text-xs tabular-nums text-faint">
      {operation.finishedAt ? "took" : "for"} {formatDuration(end - Date.parse(operation.createdAt))}
    </span>
  );
}

export function Steps({ steps, moving }: { steps: Step[]; moving: boolean }) {
  if (!steps.length) {
    return <p className="text-sm text-muted">{moving ? "About to begin…" : "Nothing was changed at a provider."}</p>;
  }
  return (
    <ol className="text-sm">
      {steps.map((step, place) => (
        <StepRow key={`${step.name}${step.attempt}`} step={step} last={place === steps.length - 1} />
      ))}
    </ol>
  );
}

const MARKS = {
  DONE: { icon: Check, look: "bg-ok-soft text-ok" },
  REFUSED: { icon: X, look: "bg-bad-soft text-bad" },
  INTENDED: { icon: LoaderCircle, look: "bg-info-soft text-info" },
};

function StepRow({ step, last }: { step: Step; last: boolean }) {
  const { icon: Icon, look } = MARKS[step.state] ?? { icon: Circle, look: "bg-line text-muted" };
  return (
    <li data-step={step.name} data-state={step.state} className="relative flex gap-3 pb-3 last:pb-0">
      {last ? null : <span aria-hidden className="absolute top-6 bottom-0 left-[0.7rem] w-px bg-line-strong" />}
      <span aria-hidden className={`z-10 flex size-6 shrink-0 items-center justify-center rounded-full ${look}`}>
        <Icon className={`size-3.5 ${step.state === "INTENDED" ? "animate-spin" : ""}`} />
      </span>
      <div className="min-w-0 flex-1">
        <div className="flex min-h-6 flex-wrap items-center gap-x-2">
          <span className="font-medium">{words(step.name)}</span>
          {step.name.startsWith(step.provider.toLowerCase()) ? null : (
            <span className="text-xs text-muted">{words(step.provider)}</span>
          )}
          {step.attempt > 1 ? <span className="text-xs text-warn">attempt {step.attempt}</span> : null}
          {step.sends > 1 ? <span className="text-xs text-warn">sent {plural(step.sends, "time")}</span> : null}
          <span className="ml-auto text-xs tabular-nums text-faint">
            <StepTime step={step} />
          </span>
        </div>
        {step.errorMessage || step.errorCode ? (
          <p className="text-sm text-bad [overflow-wrap:anywhere]">{step.errorMessage ?? step.errorCode}</p>
        ) : null}
        <div className="flex flex-wrap gap-x-3">
          {step.objectId ? <Id value={step.objectId} label="object id" /> : null}
          {step.requestId ? <Id value={step.requestId} label="provider request id" short /> : null}
        </div>
      </div>
    </li>
  );
}

function StepTime({ step }: { step: Step }) {
  if (!step.settledAt)
    return (
      <>
        under way, <When at={step.firstSentAt} />
      </>
    );
  return formatDuration(Date.parse(step.settledAt) - Date.parse(step.firstSentAt));
}
