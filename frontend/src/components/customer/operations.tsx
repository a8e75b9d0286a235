"use client";

import { ChevronRight } from "lucide-react";
import { formatDuration, words } from "@/lib/format";
import { graphql } from "@/lib/graphql";
import { useLive } from "@/lib/use-live";
import { Card } from "../card";
import { OPERATION, type Operation, OperationDetails } from "../operation";
import { Empty, Loaded } from "../states";
import { Status } from "../status";
import { When } from "../value";

const OF_CUSTOMER = graphql(
  `
    query CustomerOperations($entityId: String!) {
      operations(first: 12, filter: { entityId: $entityId }) {
        nodes { ...OperationFields }
      }
    }
  `,
  [OPERATION],
);

export function Operations({ entityId }: { entityId: string }) {
  const live = useLive(OF_CUSTOMER, { entityId }, { concerns: (event) => event.entityId === entityId });
  return (
    <Card title="Operations" hint="what was asked, and every step at the providers" flush>
      <Loaded live={live} label="operations" rows={3}>
        {({ operations }) =>
          operations.nodes.length ? (
            <ul className="divide-y">
              {operations.nodes.map((operation) => (
                <OperationRow key={operation.id} operation={operation} />
              ))}
            </ul>
          ) : (
            <Empty title="Nothing was asked of this customer yet" />
          )
        }
      </Loaded>
    </Card>
  );
}

function OperationRow({ operation }: { operation: Operation }) {
  const took = operation.finishedAt ? Date.parse(operation.finishedAt) - Date.parse(operation.createdAt) : null;
  return (
    <li>
      <details className="group">
        <summary className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm hover:bg-raised [&::-webkit-details-marker]:hidden">
          <ChevronRight
            aria-hidden
            className="size-3.5 shrink-0 text-faint transition-transform group-open:rotate-90"
          />
          <span className="min-w-32 font-medium">{words(operation.kind)}</span>
          <Status value={operation.status} />
          {operation.error ? (
            <span className="min-w-0 flex-1 basis-40 truncate text-bad">{operation.error.message}</span>
          ) : null}
          <span className="ml-auto text-xs text-faint">
            {took === null ? null : <span className="mr-3 tabular-nums">{formatDuration(took)}</span>}
            <When at={operation.createdAt} />
          </span>
        </summary>
        <div className="border-t bg-raised px-4 py-3 pl-10">
          <OperationDetails operation={operation} />
        </div>
      </details>
    </li>
  );
}
