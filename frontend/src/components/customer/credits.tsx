"use client";

import { useState } from "react";
import { formatWhole, words } from "@/lib/format";
import { useLive } from "@/lib/use-live";
import { Button } from "../button";
import { Card } from "../card";
import { LedgerChart } from "../ledger-chart";
import { Empty, Loaded } from "../states";
import { Status } from "../status";
import { Table } from "../table";
import { Id, Nothing, When, Whole } from "../value";
import { type Customer, LEDGER, type LedgerEntry } from "./data";

const FEW = 5;
const MANY = 50;

export function Credits({ customer }: { customer: Customer }) {
  const [all, setAll] = useState(false);
  const live = useLive(
    LEDGER,
    { entityId: customer.entityId, first: MANY },
    { concerns: (event) => event.entityId === customer.entityId },
  );
  return (
    <Card title="Credits" flush>
      <Loaded live={live} label="the credit ledger" rows={4}>
        {({ creditLedger }) => {
          const entries = creditLedger?.nodes ?? [];
          return (
            <>
              <div className="flex flex-wrap items-end gap-x-8 gap-y-3 p-4">
                <div>
                  <p className="text-2xl leading-8 font-semibold tracking-tight tabular-nums">
                    {formatWhole(customer.credits.balance)}
                  </p>
                  <p className="text-xs text-muted">left now</p>
                </div>
                <LedgerChart balance={customer.credits.balance} entries={entries} />
              </div>
              {entries.length ? (
                <div className="border-t">
                  <Ledger entries={all ? entries : entries.slice(0, FEW)} />
                  {entries.length > FEW ? (
                    <div className="border-t px-1 py-2">
                      <Button look="quiet" onClick={() => setAll(!all)}>
                        {all ? "Show fewer" : `Show ${entries.length} entries`}
                      </Button>
                    </div>
                  ) : null}
                </div>
              ) : (
                <Empty title="No credits were ever granted" />
              )}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

/** `operation:op_1`, `event:whe_1`: in words, and the id to copy. */
function Cause({ value }: { value: string }) {
  const [kind = "", ...rest] = value.split(":");
  return rest.length ? (
    <span className="text-xs whitespace-nowrap text-muted">
      {words(kind)} <Id value={rest.join(":")} label={kind} short />
    </span>
  ) : (
    <Id value={value} label="cause" short />
  );
}

function Ledger({ entries }: { entries: LedgerEntry[] }) {
  return (
    <Table
      label="Credit ledger"
      head={
        <>
          <th>Kind</th>
          <th className="!text-right">Credits</th>
          <th>Why</th>
          <th>Expires</th>
          <th className="!text-right">When</th>
        </>
      }
    >
      {entries.map((entry) => (
        <tr key={entry.id}>
          <td>
            <Status value={entry.kind} />
          </td>
          <td className={`text-right font-medium ${entry.amount < 0 ? "text-bad" : "text-ok"}`}>
            <Whole value={entry.amount} sign />
          </td>
          <td className="max-w-72 min-w-44">
            {entry.reason ? (
              <span className="line-clamp-3 [overflow-wrap:anywhere]" title={entry.reason}>
                {entry.reason}
              </span>
            ) : null}
            <Cause value={entry.cause} />
          </td>
          <td>{entry.expiresAt ? <When at={entry.expiresAt} /> : <Nothing why="does not expire" />}</td>
          <td className="text-right text-muted">
            <When at={entry.at} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
