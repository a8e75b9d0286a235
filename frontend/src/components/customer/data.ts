import { graphql, type ResultOf } from "@/lib/graphql";

export const CUSTOMER = graphql(`
  query Customer($entityId: String!) {
    customer(entityId: $entityId) {
      id
      entityId
      entityType
      name
      email
      metadata
      metronomeCustomerId
      stripeCustomerId
      createdAt
      updatedAt
      accountBalance { minorUnits currency amount }
      credits { balance asOf }
      subscription {
        id
        status
        tier
        billingPeriod
        price { minorUnits currency amount }
        creditsPerMonth
        anchor
        currentPeriod { start end }
        cancelAtPeriodEnd
        scheduledChange { tier billingPeriod price { minorUnits currency amount } creditsPerMonth effectiveOn }
        metronomeContractId
        startedAt
        endedAt
        unpaidInvoices {
          id
          status
          amount { minorUnits currency amount }
          dueDate
          failedAttempts
          nextAttemptAt
        }
      }
      drift { provider kind since }
      paymentMethods { id stripePaymentMethodId brand last4 expMonth expYear isDefault attachedAt }
    }
  }
`);

export type Customer = NonNullable<ResultOf<typeof CUSTOMER>["customer"]>;
export type Subscription = Customer["subscription"];
export type PaymentMethod = Customer["paymentMethods"][number];

export const INVOICES = graphql(`
  query Invoices($entityId: String!, $first: Int!, $after: String) {
    invoices(entityId: $entityId, first: $first, after: $after) {
      totalCount
      nodes {
        id
        status
        amount { minorUnits currency amount }
        period { start end }
        dueDate
        metronomeInvoiceId
        issuedAt
        paidAt
        failedAttempts
        nextAttemptAt
        lines { description quantity unitPrice { minorUnits currency amount } amount { minorUnits currency amount } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export type Invoice = NonNullable<ResultOf<typeof INVOICES>["invoices"]>["nodes"][number];

export const PAYMENTS = graphql(`
  query Payments($entityId: String!, $first: Int!, $after: String) {
    payments(entityId: $entityId, first: $first, after: $after) {
      totalCount
      nodes {
        id
        invoiceId
        attempt
        status
        amount { minorUnits currency amount }
        stripePaymentIntentId
        stripeChargeId
        errorCode
        declineCode
        errorMessage
        refundedAmount { minorUnits currency amount }
        createdAt
        refunds { id status amount { minorUnits currency amount } reason failureReason createdAt stripeRefundId }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export type Payment = NonNullable<ResultOf<typeof PAYMENTS>["payments"]>["nodes"][number];

export const LEDGER = graphql(`
  query Ledger($entityId: String!, $first: Int!) {
    creditLedger(entityId: $entityId, first: $first) {
      nodes { id kind amount at cause reason expiresAt }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export type LedgerEntry = NonNullable<ResultOf<typeof LEDGER>["creditLedger"]>["nodes"][number];

export function isLive(subscription: Pick<Subscription, "status">): boolean {
  return ["PENDING", "ACTIVE", "PAST_DUE"].includes(subscription.status);
}
