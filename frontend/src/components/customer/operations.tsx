"use client";

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { formatDuration, words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { usePages } from "@/lib/pages";
import { useLive } from "@/lib/use-live";
import { Card } from "../card";
import { FollowedOperation } from "../operation";
import { Empty, Loaded } from "../states";
import { Status } from "../status";
import { InnerPager } from "../table";
import { When } from "../value";

const PAGE = 8;

const OF_CUSTOMER = graphql(`
  query CustomerOperations($entityId: String!, $first: Int!, $after: String) {
    operations(first: $first, after: $after, filter: { entityId: $entityId }) {
      totalCount
      nodes { id kind status createdAt finishedAt error { message } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Operation = ResultOf<typeof OF_CUSTOMER>["operations"]["nodes"][number];

export function Operations({ entityId }: { entityId: string }) {
  const pages = usePages();
  const variables = { entityId, first: PAGE, after: pages.after };
  const live = useLive(OF_CUSTOMER, variables, { concerns: (event) => event.entityId === entityId });
  return (
    <Card title="Operations" hint="what was asked, and every step at the providers" flush>
      <Loaded live={live} label="operations" rows={3}>
        {({ operations }) =>
          operations.nodes.length ? (
            <>
              <ul className="divide-y">
                {operations.nodes.map((operation) => (
                  <OperationRow key={operation.id} operation={operation} />
                ))}
              </ul>
              <InnerPager one="operation" page={operations} pages={pages} />
            </>
          ) : (
            <Empty title="Nothing was asked of this customer yet" />
          )
        }
      </Loaded>
    </Card>
  );
}

/** Its steps are asked for once somebody wants to see them. */
function OperationRow({ operation }: { operation: Operation }) {
  const [open, setOpen] = useState(false);
  const took = operation.finishedAt ? Date.parse(operation.finishedAt) - Date.parse(operation.createdAt) : null;
  return (
    <li>
      <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm hover:bg-raised [&::-webkit-details-marker]:hidden">
          <ChevronRight
            aria-hidden
            className="size-3.5 shrink-0 text-faint transition-transform group-open:rotate-90"
          />
          <span className="font-medium sm:min-w-32">{words(operation.kind)}</span>
          <Status value={operation.status} />
          {operation.error ? (
            <span className="min-w-0 flex-1 basis-40 truncate text-bad first-letter:uppercase max-sm:order-1 max-sm:basis-full max-sm:pl-6.5">
              {operation.error.message}
            </span>
          ) : null}
          <span className="ml-auto text-xs text-faint">
            {took === null ? null : <span className="mr-3 tabular-nums">{formatDuration(took)}</span>}
            <When at={operation.createdAt} />
          </span>
        </summary>
        <div className="border-t bg-raised px-4 py-3 pl-10.5">
          {open ? <FollowedOperation id={operation.id} /> : null}
        </div>
      </details>
    </li>
  );
}
