import type { RootField } from "@/lib/graphql";

/** The whole billing process, one request after the other, on one customer of its own. */

export interface GuideStep {
  title: string;
  /** What happens behind the request. */
  text: string;
  /** `ENTITY` stands for the demo customer's id. */
  document: string;
  /** Where in the answer what was refused stands. */
  verb: RootField;
  act: string;
}

export const STEPS: GuideStep[] = [
  {
    title: "Look at the tiers",
    text: "The catalogue is data. Credits are released monthly, also on yearly plans; Enterprise has terms of its own.",
    verb: "tiers",
    act: "Ask",
    document: `query Tiers {
  tiers { tier monthlyPrice { amount currency } yearlyPrice { amount } creditsPerMonth features }
}`,
  },
  {
    title: "Onboard for free",
    text: "A customer is created in Metronome and Stripe side by side, then a contract and the first credits. The free tier makes no invoice.",
    verb: "onboard",
    act: "Onboard the demo customer",
    document: `mutation OnboardFree {
  onboard(input: {
    entity: { id: "ENTITY", type: USER, name: "Demo of the guide", email: "guide@example.com" }
    tier: FREE
  }) {
    subscription { status tier }
    customer { credits { balance } }
    operation { id status steps { name provider state } }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Put a card on file",
    text: "The service never sees a card: it attaches a payment method that Stripe already knows, and collects invoices with it from then on.",
    verb: "attachPaymentMethod",
    act: "Attach a test card",
    document: `mutation AttachCard {
  attachPaymentMethod(input: { entityId: "ENTITY", paymentMethodId: "pm_card_visa", makeDefault: true }) {
    paymentMethod { brand last4 isDefault }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Ask what an upgrade costs",
    text: "The quote has every line to the cent: unused days are credited, the days left are charged. It changes nothing, and it binds until it expires.",
    verb: "quoteTierChange",
    act: "Get a quote",
    document: `query QuotePro {
  quoteTierChange(input: { entityId: "ENTITY", tier: PRO, billingPeriod: MONTHLY }) {
    quote {
      id expiresAt
      lines { description amount { amount } }
      dueNow { amount currency }
      creditsChange
      nextInvoice { on amount { amount } }
    }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Upgrade to Pro",
    text: "The old contract ends, the new one starts, the difference is invoiced and collected. The upgrade takes effect only when its payment succeeds; a decline leaves everything as it was.",
    verb: "changeTier",
    act: "Upgrade",
    document: `mutation Upgrade {
  changeTier(input: { entityId: "ENTITY", tier: PRO, billingPeriod: MONTHLY }) {
    subscription { tier status currentPeriod { start end } }
    invoice { status amount { amount } lines { description amount { amount } } }
    payment { status }
    customer { credits { balance } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Change the billing period",
    text: "Monthly to yearly starts a new period today at the full yearly price, less what was not used of the month.",
    verb: "changeTier",
    act: "Go yearly",
    document: `mutation GoYearly {
  changeTier(input: { entityId: "ENTITY", tier: PRO, billingPeriod: YEARLY }) {
    subscription { billingPeriod currentPeriod { start end } }
    invoice { status amount { amount } lines { description amount { amount } } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Schedule a downgrade",
    text: "At the period end nothing has to be prorated. Until then the change can be seen, replaced or withdrawn.",
    verb: "changeTier",
    act: "Schedule it",
    document: `mutation Schedule {
  changeTier(input: { entityId: "ENTITY", tier: FREE, billingPeriod: MONTHLY, effective: AT_PERIOD_END }) {
    subscription { tier scheduledChange { tier effectiveOn price { amount } } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Withdraw it",
    text: "The plan renews as it is again.",
    verb: "withdrawScheduledChange",
    act: "Withdraw it",
    document: `mutation Withdraw {
  withdrawScheduledChange(input: { entityId: "ENTITY" }) {
    subscription { tier scheduledChange { tier } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Grant credits by hand",
    text: "A ledger entry like every other: append-only, with its cause. These have their own expiry and survive a change of tier.",
    verb: "grantCredits",
    act: "Grant 500 credits",
    document: `mutation Grant {
  grantCredits(input: { entityId: "ENTITY", amount: 500, reason: "From the guide" }) {
    customer { credits { balance } creditLedger(first: 5) { kind amount reason cause } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "See what the providers told",
    text: "Webhooks are verified on the raw bytes, stored once, answered at once and processed afterwards, in any order, with retries. Echoes of our own writes change nothing.",
    verb: "webhookEvents",
    act: "Ask",
    document: `query Events {
  webhookEvents(first: 10, filter: { entityId: "ENTITY" }) {
    nodes { provider type state attempts receivedAt }
  }
}`,
  },
  {
    title: "Cancel",
    text: "At the period end, which can be taken back; or now, and the days left are credited to the account balance, which pays the next invoices.",
    verb: "cancel",
    act: "Cancel now",
    document: `mutation Cancel {
  cancel(input: { entityId: "ENTITY", effective: IMMEDIATELY, creditUnusedTime: true }) {
    subscription { status endedAt }
    customer { accountBalance { amount currency } credits { balance } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
  {
    title: "Reactivate",
    text: "A new contract on the last plan. The account balance pays first; credits of a month that was granted already are not granted twice.",
    verb: "reactivate",
    act: "Reactivate",
    document: `mutation Reactivate {
  reactivate(input: { entityId: "ENTITY" }) {
    subscription { status tier currentPeriod { start end } }
    invoice { status amount { amount } }
    customer { accountBalance { amount } }
    operation { id status }
    userErrors { code message field }
  }
}`,
  },
];
