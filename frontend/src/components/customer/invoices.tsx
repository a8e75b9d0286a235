"use client";

import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { plural } from "@/lib/format";
import { usePages } from "@/lib/pages";
import { useLive } from "@/lib/use-live";
import { PayInvoice } from "../actions/pay-invoice";
import { Button } from "../button";
import { Card } from "../card";
import { Empty, Loaded } from "../states";
import { Status } from "../status";
import { InnerPager } from "../table";
import { Day, Id, Money, When } from "../value";
import { type Customer, INVOICES, type Invoice } from "./data";

const PAGE = 8;

export function Invoices({ customer }: { customer: Customer }) {
  const pages = usePages();
  const [paying, setPaying] = useState<Invoice | null>(null);
  const live = useLive(
    INVOICES,
    { entityId: customer.entityId, first: PAGE, after: pages.after },
    { concerns: (event) => event.entityId === customer.entityId },
  );
  return (
    <Card title="Invoices" flush>
      <Loaded live={live} label="invoices" rows={3}>
        {({ invoices }) =>
          invoices?.nodes.length ? (
            <>
              <ul className="divide-y">
                {invoices.nodes.map((invoice, place) => (
                  <InvoiceRow
                    key={invoice.id}
                    invoice={invoice}
                    open={place === 0 && !pages.hasPrevious}
                    onPay={() => setPaying(invoice)}
                  />
                ))}
              </ul>
              <InnerPager one="invoice" page={invoices} pages={pages} />
            </>
          ) : (
            <Empty title="No invoices">The free tier makes none.</Empty>
          )
        }
      </Loaded>
      {paying ? <PayInvoice customer={customer} invoice={paying} onClose={() => setPaying(null)} /> : null}
    </Card>
  );
}

function InvoiceRow({ invoice, open, onPay }: { invoice: Invoice; open: boolean; onPay: () => void }) {
  const payable = invoice.status === "OPEN" || invoice.status === "UNCOLLECTIBLE";
  return (
    <li>
      <details open={open} className="group">
        <summary className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-sm hover:bg-raised [&::-webkit-details-marker]:hidden">
          <ChevronRight
            aria-hidden
            className="size-3.5 shrink-0 text-faint transition-transform group-open:rotate-90"
          />
          <Money value={invoice.amount} className="min-w-16 font-medium sm:min-w-20" />
          <Status value={invoice.status} />
          <span className="text-muted max-sm:order-1 max-sm:basis-full max-sm:pl-6.5">
            <Day day={invoice.period.start} /> – <Day day={invoice.period.end} />
          </span>
          {invoice.failedAttempts && payable ? (
            <span className="text-xs text-bad max-sm:order-1 max-sm:basis-full max-sm:pl-6.5">
              {plural(invoice.failedAttempts, "failed attempt")}
              {invoice.nextAttemptAt ? (
                <>
                  , next <When at={invoice.nextAttemptAt} />
                </>
              ) : null}
            </span>
          ) : null}
          <span className="ml-auto text-xs text-faint">
            issued <When at={invoice.issuedAt} />
          </span>
        </summary>
        <div className="border-t bg-raised px-4 py-3 pl-10.5">
          <table className="w-full text-sm">
            <caption className="sr-only">Lines of the invoice</caption>
            <tbody>
              {invoice.lines.map((line, place) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines have no id and never change their order
                <tr key={place}>
                  <td className="py-0.5 pr-4 [overflow-wrap:anywhere]">
                    {line.description}
                    {line.quantity > 1 ? (
                      <span className="text-muted">
                        {" "}
                        × {line.quantity} at <Money value={line.unitPrice} />
                      </span>
                    ) : null}
                  </td>
                  <td className="w-28 py-0.5 text-right align-top">
                    <Money value={line.amount} />
                  </td>
                </tr>
              ))}
              <tr className="border-t font-medium">
                <td className="pt-1">Total</td>
                <td className="pt-1 text-right">
                  <Money value={invoice.amount} />
                </td>
              </tr>
            </tbody>
          </table>
          <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-2 text-xs text-muted">
            <span className="min-w-0">
              Invoice <Id value={invoice.id} label="invoice id" short />
            </span>
            <span className="min-w-0">
              Metronome <Id value={invoice.metronomeInvoiceId} label="Metronome invoice id" short />
            </span>
            <span>
              {invoice.paidAt ? (
                <>
                  Paid <When at={invoice.paidAt} />
                </>
              ) : (
                <>
                  Due <Day day={invoice.dueDate} />
                </>
              )}
            </span>
            {payable ? (
              <span className="ml-auto">
                <Button look="primary" needs="payInvoice" onClick={onPay}>
                  Pay now
                </Button>
              </span>
            ) : null}
          </div>
        </div>
      </details>
    </li>
  );
}
