"""The business at a glance: what is there, what moves, what needs a person."""

from datetime import datetime
from enum import Enum

import strawberry

from schema.types.enums import Tier
from schema.types.money import Money
from schema.types.scalars import BigInt


@strawberry.type(description="How many customers have a live subscription on one tier.")
class TierCount:
    tier: Tier
    customers: int
    past_due: int = strawberry.field(description="How many of them are PAST_DUE.")


@strawberry.type(description="Invoices that wait for money.")
class InvoiceTotals:
    invoices: int
    due: list[Money] = strawberry.field(description="What is left to collect, one amount for each currency.")


@strawberry.enum(description="The stations of a customer's billing life, in their order.")
class StationName(Enum):
    ONBOARDING = "ONBOARDING"
    CONTRACT = "CONTRACT"
    CREDITS = "CREDITS"
    INVOICE = "INVOICE"
    PAYMENT = "PAYMENT"
    WEBHOOKS = "WEBHOOKS"


@strawberry.type(description="One station of the billing life, and how many are there now.")
class Station:
    name: StationName
    settled: BigInt = strawberry.field(
        description="What stands: customers, live subscriptions, credits held, invoices paid, payments that succeeded, "
        "events handled."
    )
    moving: int = strawberry.field(description="What is on its way by itself.")
    troubled: int = strawberry.field(description="What was refused, is late, or waits for a person.")


@strawberry.type(description="How the verbs that were accepted are doing.")
class OperationCounts:
    running: int
    stuck: int = strawberry.field(description="RUNNING ones that a provider keeps waiting, or that stand still.")
    requires_action: int
    failed_last_day: int


@strawberry.type(description="The inbox of provider events that have not come to an end.")
class WebhookCounts:
    waiting: int
    parked: int
    dead: int


@strawberry.type(description="Everything at a glance, counted now.")
class Overview:
    at: datetime
    customers: int = strawberry.field(description="All of them, those whose subscription has ended included.")
    tiers: list[TierCount]
    monthly_recurring_revenue: list[Money] = strawberry.field(
        description="What live subscriptions come to in a month, one amount for each currency; a yearly price counts "
        "with a twelfth."
    )
    open_invoices: InvoiceTotals
    past_due_invoices: InvoiceTotals = strawberry.field(
        description="Those of them that a collection has failed for, or whose due date has passed."
    )
    scheduled_changes: int
    webhooks: WebhookCounts
    operations: OperationCounts
    stations: list[Station]
