"use client";

import type { ReactNode } from "react";
import { formatMoney, formatWhole } from "@/lib/format";
import { graphql, type ResultOf } from "@/lib/graphql";
import { Day, Money, Whole } from "../value";

export const QUOTE = graphql(`
  query Quote($input: QuoteTierChangeInput!) {
    quoteTierChange(input: $input) {
      quote {
        id
        expiresAt
        effective
        effectiveOn
        tier
        billingPeriod
        lines { description amount { minorUnits currency amount } }
        net { minorUnits currency amount }
        dueNow { minorUnits currency amount }
        fromAccountBalance { minorUnits currency amount }
        toAccountBalance { minorUnits currency amount }
        carried { minorUnits currency amount }
        creditsChange
        period { start end }
        nextInvoice { on amount { minorUnits currency amount } due { minorUnits currency amount } }
        providerCalls { provider method path }
      }
      userErrors { code message field }
    }
  }
`);

export type Quote = NonNullable<ResultOf<typeof QUOTE>["quoteTierChange"]["quote"]>;
type Amount = Quote["net"];

/** What a change comes to, to the cent; beside what differs from `before`, what it was. */
export function QuoteDetails({ quote, before }: { quote: Quote; before: Quote | null }) {
  const old = (pick: (quote: Quote) => Amount) => (before ? pick(before) : null);
  return (
    <div className="rounded-lg border text-sm" data-quote={quote.id}>
      <table className="w-full">
        <caption className="sr-only">What the change comes to</caption>
        <tbody className="[&_td]:px-4 [&_td]:py-1.5">
          {quote.lines.map((line) => (
            <Line
              key={line.description}
              name={line.description}
              amount={line.amount}
              old={before?.lines.find((each) => each.description === line.description)?.amount ?? null}
              isNew={before !== null && !before.lines.some((each) => each.description === line.description)}
            />
          ))}
          {quote.lines.length ? null : (
            <tr>
              <td colSpan={2} className="text-muted">
                Nothing to charge or credit for the running period.
              </td>
            </tr>
          )}
          {quote.lines.length > 1 ? (
            <Line name="Together" amount={quote.net} old={old((each) => each.net)} strong />
          ) : null}
          {quote.fromAccountBalance.minorUnits ? (
            <Line
              name="Paid from the account balance"
              amount={quote.fromAccountBalance}
              old={old((each) => each.fromAccountBalance)}
            />
          ) : null}
          {quote.toAccountBalance.minorUnits ? (
            <Line
              name="Credited to the account balance"
              amount={quote.toAccountBalance}
              old={old((each) => each.toAccountBalance)}
            />
          ) : null}
          {quote.carried.minorUnits ? (
            <Line
              name="Too little to charge: carried to the next invoice"
              amount={quote.carried}
              old={old((each) => each.carried)}
            />
          ) : null}
          <Line name="Due now" amount={quote.dueNow} old={old((each) => each.dueNow)} strong large />
        </tbody>
      </table>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-6 gap-y-1.5 border-t bg-raised px-4 py-3">
        <Fact name="Takes effect" changed={before !== null && before.effectiveOn !== quote.effectiveOn}>
          {quote.effective === "IMMEDIATELY" ? "now, " : ""}
          <Day day={quote.effectiveOn} />
        </Fact>
        <Fact name="Credits" changed={before !== null && before.creditsChange !== quote.creditsChange}>
          {before && before.creditsChange !== quote.creditsChange ? (
            <Was>{formatWhole(before.creditsChange, { sign: true })}</Was>
          ) : null}
          {quote.creditsChange === 0 ? "unchanged now" : <Whole value={quote.creditsChange} sign />}
        </Fact>
        <Fact name="Billing period">
          <Day day={quote.period.start} /> – <Day day={quote.period.end} />
        </Fact>
        <Fact
          name="Next invoice"
          changed={before !== null && before.nextInvoice.due.amount !== quote.nextInvoice.due.amount}
        >
          <Money value={quote.nextInvoice.amount} /> on <Day day={quote.nextInvoice.on} />
          {quote.nextInvoice.due.minorUnits === quote.nextInvoice.amount.minorUnits ? null : (
            <>
              , of which <Money value={quote.nextInvoice.due} /> is collected
            </>
          )}
        </Fact>
      </dl>
      <details className="border-t px-4 py-2 text-xs text-muted">
        <summary>What is called at the providers</summary>
        <ol className="mt-1 list-decimal space-y-0.5 pl-5 font-mono">
          {quote.providerCalls.map((call, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same call may be made twice; the order is fixed
            <li key={place} className="[overflow-wrap:anywhere]">
              {call.provider.toLowerCase()} {call.method} {call.path}
            </li>
          ))}
        </ol>
      </details>
    </div>
  );
}

function Line({
  name,
  amount,
  old,
  isNew = false,
  strong = false,
  large = false,
}: {
  name: string;
  amount: Amount;
  old: Amount | null;
  isNew?: boolean;
  strong?: boolean;
  large?: boolean;
}) {
  const changed = isNew || (old !== null && old.amount !== amount.amount);
  return (
    <tr
      data-changed={changed || undefined}
      className={`${strong ? "border-t font-semibold" : ""} ${changed ? "bg-warn-soft" : ""} ${large ? "text-base" : ""}`}
    >
      <td className="[overflow-wrap:anywhere]">{name}</td>
      <td className="text-right whitespace-nowrap">
        {changed && old ? <Was>{formatMoney(old)}</Was> : null}
        {isNew ? <span className="mr-2 text-xs text-warn">new</span> : null}
        <Money value={amount} />
      </td>
    </tr>
  );
}

function Was({ children }: { children: ReactNode }) {
  return (
    <s className="mr-2 text-xs font-normal text-muted">
      <span className="sr-only">was </span>
      {children}
    </s>
  );
}

function Fact({ name, changed = false, children }: { name: string; changed?: boolean; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className={changed ? "rounded bg-warn-soft px-1" : ""}>{children}</dd>
    </>
  );
}
