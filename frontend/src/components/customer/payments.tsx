"use client";

import { useState } from "react";
import { words } from "@/lib/format";
import { usePages } from "@/lib/pages";
import { useLive } from "@/lib/use-live";
import { RefundPayment } from "../actions/refund-payment";
import { Button } from "../button";
import { Card } from "../card";
import { PayerConfirms } from "../payer-confirms";
import { Empty, Loaded } from "../states";
import { Status } from "../status";
import { InnerPager } from "../table";
import { Id, Money, When } from "../value";
import { PAYMENTS, type Payment } from "./data";

const PAGE = 6;

export function Payments({ entityId }: { entityId: string }) {
  const [refunding, setRefunding] = useState<Payment | null>(null);
  const pages = usePages();
  const live = useLive(
    PAYMENTS,
    { entityId, first: PAGE, after: pages.after },
    { concerns: (event) => event.entityId === entityId },
  );
  return (
    <Card title="Payments" hint="each attempt to collect an invoice" flush>
      <Loaded live={live} label="payments" rows={3}>
        {({ payments }) =>
          payments?.nodes.length ? (
            <>
              <ul className="divide-y">
                {payments.nodes.map((payment) => (
                  <PaymentRow key={payment.id} payment={payment} onRefund={() => setRefunding(payment)} />
                ))}
              </ul>
              <InnerPager one="payment" page={payments} pages={pages} />
            </>
          ) : (
            <Empty title="No payments">Nothing was collected yet.</Empty>
          )
        }
      </Loaded>
      {refunding ? <RefundPayment payment={refunding} onClose={() => setRefunding(null)} /> : null}
    </Card>
  );
}

function PaymentRow({ payment, onRefund }: { payment: Payment; onRefund: () => void }) {
  const left = payment.amount.minorUnits - payment.refundedAmount.minorUnits;
  return (
    <li className="space-y-1.5 px-4 py-2.5 text-sm" data-payment={payment.status}>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Money value={payment.amount} className="min-w-16 font-medium sm:min-w-20" />
        <Status value={payment.status} />
        {payment.attempt > 1 ? <span className="text-xs text-muted">attempt {payment.attempt}</span> : null}
        <span className="min-w-0 max-sm:order-1">
          <Id value={payment.stripePaymentIntentId} label="Stripe payment intent" />
        </span>
        <span className="ml-auto text-xs text-faint">
          <When at={payment.createdAt} />
        </span>
        <span className="max-sm:order-1 max-sm:ml-auto empty:hidden">
          {payment.status === "SUCCEEDED" && left > 0 ? (
            <Button needs="refundPayment" onClick={onRefund}>
              Refund
            </Button>
          ) : null}
        </span>
      </div>
      {payment.status === "FAILED" ? (
        <p className="text-bad [overflow-wrap:anywhere]">
          {payment.declineCode ? `${words(payment.declineCode)}: ` : ""}
          {payment.errorMessage ?? payment.errorCode}
        </p>
      ) : null}
      {payment.status === "REQUIRES_ACTION" ? <PayerConfirms paymentId={payment.id} /> : null}
      {payment.refunds.map((refund) => (
        <div key={refund.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-l-2 pl-3 text-muted">
          <span>
            Refund of <Money value={refund.amount} />
          </span>
          <Status value={refund.status} />
          <span className="min-w-0 [overflow-wrap:anywhere]">{refund.failureReason ?? refund.reason}</span>
          <span className="ml-auto text-xs text-faint">
            <When at={refund.createdAt} />
          </span>
        </div>
      ))}
    </li>
  );
}
