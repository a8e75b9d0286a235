from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model

from billing.lifecycle import SubscriptionStatus
from billing.money import Money
from billing.periods import Period
from billing.tiers import BillingPeriod, Plan, Tier
from models.customer import Customer
from models.ids import ID_LENGTH, subscription_id


class Subscription(Model):
    """One customer on one plan. A customer has at most one that is live; ended ones stay as history."""

    id = fields.CharField(max_length=ID_LENGTH, primary_key=True, default=subscription_id)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", related_name="subscriptions", on_delete=fields.RESTRICT
    )
    customer_id: str
    # The one a customer's page shows: the live one, or the last that was.
    is_current = fields.BooleanField(default=True)
    status = fields.CharEnumField(SubscriptionStatus, max_length=16)
    tier = fields.CharEnumField(Tier, max_length=16)
    billing_period = fields.CharEnumField(BillingPeriod, max_length=16)
    price_minor = fields.BigIntField()
    currency = fields.CharField(max_length=3)
    credits_per_month = fields.BigIntField()
    # Every boundary is derived from the anchor, never from the last clamped boundary.
    anchor = fields.DateField()
    # The same for credit months. It outlives a change of the billing period, or each change would release an allowance.
    credit_anchor = fields.DateField()
    period_start = fields.DateField()
    period_end = fields.DateField()
    # Paid for this period and not yet credited back: what a credit leg can be at most.
    paid_minor = fields.BigIntField(default=0)
    cancel_at_period_end = fields.BooleanField(default=False)
    # A change that waits for the period end; all null when there is none.
    scheduled_tier = fields.CharEnumField(Tier, max_length=16, null=True)
    scheduled_billing_period = fields.CharEnumField(BillingPeriod, max_length=16, null=True)
    scheduled_price_minor = fields.BigIntField(null=True)
    scheduled_credits_per_month = fields.BigIntField(null=True)
    metronome_contract_id = fields.CharField(max_length=64, null=True, unique=True)
    started_at = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField()

    @property
    def plan(self) -> Plan:
        return Plan(self.tier, self.billing_period, Money(self.price_minor, self.currency), self.credits_per_month)

    @property
    def scheduled_plan(self) -> Plan | None:
        """The plan that takes over at the period end."""
        tier: Tier | None = self.scheduled_tier
        if tier is None:
            return None
        price = Money(self.scheduled_price_minor, self.currency)
        return Plan(tier, self.scheduled_billing_period, price, self.scheduled_credits_per_month)

    @property
    def period(self) -> Period:
        return Period(self.period_start, self.period_end)

    class Meta:
        table = "subscription"
        indexes = (
            Index(fields=("customer_id", "created_at")),
            Index(fields=("status", "period_end")),
            Index(fields=("created_at", "id")),
            Index(fields=("period_end", "id")),
        )
        constraints = (
            CheckConstraint(check="price_minor >= 0", name="subscription_price_not_negative"),
            CheckConstraint(check="credits_per_month >= 0", name="subscription_credits_not_negative"),
            CheckConstraint(check="period_start < period_end", name="subscription_period_not_empty"),
        )
