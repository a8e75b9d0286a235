"use client";

import Link from "next/link";
import { formatDuration, plural, words } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { usePager } from "@/lib/pager";
import { customerPath } from "@/lib/url";
import { useLive } from "@/lib/use-live";
import { Button } from "./button";
import { Card } from "./card";
import { Dialog } from "./dialog";
import { choices, FilterSelect, SearchInput, Segmented } from "./form";
import { FollowedOperation } from "./operation";
import { Empty, Loaded } from "./states";
import { Chip, Status } from "./status";
import { Listing } from "./table";
import { When } from "./value";

const PAGE = 25;

const OPERATIONS = graphql(`
  query Operations($first: Int!, $after: String, $filter: OperationFilter) {
    operations(first: $first, after: $after, filter: $filter) {
      totalCount
      nodes { id kind status entityId stage lastProblem createdAt finishedAt warnings { code } error { message } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

type Row = ResultOf<typeof OPERATIONS>["operations"]["nodes"][number];
type Kind = Row["kind"];

const KINDS: Kind[] = [
  "ONBOARD",
  "CHANGE_TIER",
  "SCHEDULE_CHANGE",
  "WITHDRAW_CHANGE",
  "CANCEL",
  "REACTIVATE",
  "RENEW",
  "END",
  "COLLECT",
  "SETTLE_PAYMENT",
  "REFUND",
  "GRANT_CREDITS",
  "ATTACH_PAYMENT_METHOD",
  "SET_DEFAULT_PAYMENT_METHOD",
  "DETACH_PAYMENT_METHOD",
  "CREATE_SETUP_INTENT",
];

const VIEWS = [
  { value: "all", label: "All" },
  { value: "running", label: "Running" },
  { value: "stuck", label: "Stuck" },
  { value: "action", label: "Needs payer" },
  { value: "failed", label: "Failed" },
] as const;
type View = (typeof VIEWS)[number]["value"];

const FILTERS = {
  all: {},
  running: { status: "RUNNING" },
  stuck: { stuck: true },
  action: { status: "REQUIRES_ACTION" },
  failed: { status: "FAILED" },
} as const;

const NONE: Record<View, string> = {
  all: "Nothing was asked yet",
  running: "Nothing is running",
  stuck: "Nothing is stuck",
  action: "Nothing waits for a payer",
  failed: "Nothing failed",
};

export function OperationTable() {
  const pager = usePager();
  const { parameters } = pager;
  const view = VIEWS.find((each) => each.value === parameters.get("view"))?.value ?? "all";
  const kind = KINDS.find((each) => each === parameters.get("kind")) ?? null;
  const entityId = parameters.get("customer") || null;
  const shown = parameters.get("id");
  const live = useLive(
    OPERATIONS,
    { first: PAGE, after: pager.after, filter: { kind, entityId, ...FILTERS[view] } },
    { everySeconds: 10 },
  );
  const filtered = view !== "all" || kind !== null || entityId !== null;
  return (
    <>
      <Card flush>
        <div className="flex flex-wrap items-center gap-2 border-b p-3">
          <Segmented
            legend="Which operations"
            value={view}
            choices={VIEWS}
            onChange={(next) => pager.filter({ view: next === "all" ? null : next })}
          />
          <SearchInput
            label="Customer"
            placeholder="Entity id of a customer"
            value={entityId ?? ""}
            onChange={(next) => pager.filter({ customer: next.trim() })}
          />
          <FilterSelect
            label="Verb"
            value={kind ?? ""}
            choices={choices(KINDS)}
            onChange={(next) => pager.filter({ kind: next })}
          />
          {filtered ? (
            <Button look="quiet" onClick={() => pager.filter({ view: null, kind: null, customer: null })}>
              Clear
            </Button>
          ) : null}
        </div>
        <Loaded live={live} label="operations" rows={8}>
          {({ operations }) => (
            <Listing
              label="Operations"
              one="operation"
              page={operations}
              pager={pager}
              head={
                <>
                  <th>Verb</th>
                  <th>Status</th>
                  <th>Customer</th>
                  <th>Where it is</th>
                  <th className="!text-right">Took</th>
                  <th className="!text-right">Asked</th>
                </>
              }
              empty={
                <Empty title={NONE[view]}>
                  {filtered
                    ? "All filters must hold at once."
                    : "Every verb that is accepted appears here, with its steps."}
                </Empty>
              }
            >
              {(row) => <OperationRow key={row.id} row={row} onShow={() => pager.filter({ id: row.id })} />}
            </Listing>
          )}
        </Loaded>
      </Card>
      {shown ? (
        <Dialog title="Operation" onClose={() => pager.filter({ id: null })} side>
          <FollowedOperation id={shown} named />
        </Dialog>
      ) : null}
    </>
  );
}

function OperationRow({ row, onShow }: { row: Row; onShow: () => void }) {
  const trouble = row.error?.message ?? (row.finishedAt ? null : row.lastProblem);
  return (
    <tr>
      <td>
        <button
          type="button"
          onClick={onShow}
          className="font-medium whitespace-nowrap hover:text-accent hover:underline"
        >
          {words(row.kind)}
        </button>
      </td>
      <td>
        <Status value={row.status} />
      </td>
      <td className="max-w-48">
        <Link
          href={customerPath(row.entityId)}
          prefetch={false}
          className="block truncate hover:text-accent hover:underline"
        >
          {row.entityId}
        </Link>
      </td>
      <td className="max-w-80 min-w-40">
        {trouble ? (
          <span
            className={`block truncate first-letter:uppercase ${row.error ? "text-bad" : "text-warn"}`}
            title={trouble}
          >
            {trouble}
          </span>
        ) : row.warnings.length ? (
          <Chip tone="warn">{plural(row.warnings.length, "warning")}</Chip>
        ) : (
          <span className="block text-muted first-letter:uppercase">
            {row.finishedAt ? "finished" : row.stage ? words(row.stage) : "about to begin"}
          </span>
        )}
      </td>
      <td className="text-right text-muted tabular-nums whitespace-nowrap">
        {row.finishedAt ? formatDuration(Date.parse(row.finishedAt) - Date.parse(row.createdAt)) : "…"}
      </td>
      <td className="text-right text-muted">
        <When at={row.createdAt} />
      </td>
    </tr>
  );
}
