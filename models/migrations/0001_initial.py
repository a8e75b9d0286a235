from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from billing.credits import EntryKind
from billing.invoices import InvoiceStatus
from billing.lifecycle import SubscriptionStatus
from billing.tiers import BillingPeriod, EntityType, Tier
from models.ids import (
    account_balance_entry_id,
    credit_entry_id,
    customer_id,
    invoice_id,
    invoice_line_id,
    operation_id,
    payment_id,
    payment_method_id,
    provider_effect_id,
    quote_id,
    refund_id,
    subscription_id,
    webhook_event_id,
)
from models.operation import EffectState, OperationKind, OperationStatus
from models.payment import PaymentStatus, RefundStatus
from models.webhook_event import Provider, WebhookEventState


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Activity",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("kind", fields.CharField(max_length=64)),
                ("customer_id", fields.CharField(null=True, max_length=40)),
                ("entity_id", fields.CharField(null=True, max_length=128)),
                ("operation_id", fields.CharField(null=True, max_length=40)),
                ("summary", fields.CharField(max_length=500)),
                ("data", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "activity",
                "app": "models",
                "indexes": [
                    Index(fields=["customer_id", "id"]),
                    Index(fields=["operation_id", "id"]),
                    Index(fields=["at"]),
                ],
                "pk_attr": "id",
                "table_description": "What happened, in order: written in the transaction that made it happen, read by live clients from their cursor.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Customer",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=customer_id, unique=True, db_index=True, max_length=40),
                ),
                ("entity_id", fields.CharField(unique=True, max_length=128)),
                (
                    "entity_type",
                    fields.CharEnumField(
                        description="USER: USER\nORGANIZATION: ORGANIZATION", enum_type=EntityType, max_length=16
                    ),
                ),
                ("name", fields.CharField(max_length=200)),
                ("email", fields.CharField(max_length=320)),
                ("metadata", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("metronome_customer_id", fields.CharField(null=True, unique=True, max_length=64)),
                ("stripe_customer_id", fields.CharField(null=True, unique=True, max_length=64)),
                ("credit_balance", fields.BigIntField(default=0)),
                ("account_balance_minor", fields.BigIntField(default=0)),
                ("currency", fields.CharField(default="USD", max_length=3)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "customer",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="credit_balance >= 0", name="customer_credit_balance_not_negative")
                ],
                "indexes": [Index(fields=["created_at", "id"]), Index(fields=["name", "id"])],
                "pk_attr": "id",
                "table_description": "One user or organization, and who it is at each provider.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AccountBalanceEntry",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=account_balance_entry_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="account_balance_entries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("key", fields.CharField(unique=True, max_length=200)),
                ("cause", fields.CharField(max_length=200)),
                ("invoice_id", fields.CharField(null=True, max_length=40)),
            ],
            options={
                "table": "account_balance_entry",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="amount_minor <> 0", name="account_balance_entry_amount_not_zero")
                ],
                "indexes": [Index(fields=["customer_id", "at", "id"])],
                "pk_attr": "id",
                "table_description": "One change of the money a customer holds with us: a credit (+) or its use on an invoice (-).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CreditEntry",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=credit_entry_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="credit_entries",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="GRANT: GRANT\nADJUSTMENT: ADJUSTMENT\nUSAGE: USAGE\nEXPIRY: EXPIRY\nCLAWBACK: CLAWBACK",
                        enum_type=EntryKind,
                        max_length=16,
                    ),
                ),
                ("amount", fields.BigIntField()),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("key", fields.CharField(unique=True, max_length=200)),
                ("cause", fields.CharField(max_length=200)),
                ("reason", fields.CharField(null=True, max_length=500)),
                ("grant_key", fields.CharField(null=True, max_length=200)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("metronome_credit_id", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "credit_entry",
                "app": "models",
                "constraints": [CheckConstraint(check="amount <> 0", name="credit_entry_amount_not_zero")],
                "indexes": [Index(fields=["customer_id", "at", "id"])],
                "pk_attr": "id",
                "table_description": "One change of a credit balance. `key` names its cause, so the same cause is written once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Operation",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=operation_id, unique=True, db_index=True, max_length=40),
                ),
                (
                    "kind",
                    fields.CharEnumField(
                        description="ONBOARD: ONBOARD\nCHANGE_TIER: CHANGE_TIER\nSCHEDULE_CHANGE: SCHEDULE_CHANGE\nWITHDRAW_CHANGE: WITHDRAW_CHANGE\nCANCEL: CANCEL\nREACTIVATE: REACTIVATE\nRENEW: RENEW\nEND: END\nCOLLECT: COLLECT\nSETTLE_PAYMENT: SETTLE_PAYMENT\nREFUND: REFUND\nGRANT_CREDITS: GRANT_CREDITS\nATTACH_PAYMENT_METHOD: ATTACH_PAYMENT_METHOD\nSET_DEFAULT_PAYMENT_METHOD: SET_DEFAULT_PAYMENT_METHOD\nDETACH_PAYMENT_METHOD: DETACH_PAYMENT_METHOD\nCREATE_SETUP_INTENT: CREATE_SETUP_INTENT",
                        enum_type=OperationKind,
                        max_length=32,
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="operations",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("input", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("input_hash", fields.CharField(max_length=64)),
                (
                    "status",
                    fields.CharEnumField(
                        description="RUNNING: RUNNING\nREQUIRES_ACTION: REQUIRES_ACTION\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED",
                        enum_type=OperationStatus,
                        max_length=16,
                    ),
                ),
                ("step", fields.CharField(null=True, max_length=64)),
                ("warnings", fields.JSONField(default=list, encoder=JSON_DUMPS, decoder=loads)),
                ("error_code", fields.CharField(null=True, max_length=64)),
                ("error_message", fields.CharField(null=True, max_length=1000)),
                ("error_field", fields.CharField(null=True, max_length=128)),
                ("last_problem", fields.CharField(null=True, max_length=1000)),
                ("result", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ("leg", fields.IntField(default=0)),
                ("action_expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("takeovers", fields.IntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("finished_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "operation",
                "app": "models",
                "indexes": [Index(fields=["created_at", "id"]), Index(fields=["status", "updated_at"])],
                "pk_attr": "id",
                "table_description": "A verb that was accepted: what was asked, how far it is, how it ended.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("key", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=255)),
                (
                    "operation",
                    fields.ForeignKeyField(
                        "models.Operation",
                        source_field="operation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="idempotency_keys",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("input_hash", fields.CharField(max_length=64)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "idempotency_key",
                "app": "models",
                "pk_attr": "key",
                "table_description": "A caller's name for one request, and the operation that answers it.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PaymentMethod",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=payment_method_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="payment_methods",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("stripe_payment_method_id", fields.CharField(unique=True, max_length=64)),
                ("brand", fields.CharField(null=True, max_length=32)),
                ("last4", fields.CharField(null=True, max_length=4)),
                ("exp_month", fields.IntField(null=True)),
                ("exp_year", fields.IntField(null=True)),
                ("is_default", fields.BooleanField(default=False)),
                ("attached_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("detached_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "payment_method",
                "app": "models",
                "indexes": [Index(fields=["customer_id", "attached_at"])],
                "pk_attr": "id",
                "table_description": "A card on file: what may be shown of it, never more.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProviderEffect",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=provider_effect_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "operation",
                    fields.ForeignKeyField(
                        "models.Operation",
                        source_field="operation_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="effects",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("step", fields.CharField(max_length=64)),
                ("attempt", fields.IntField()),
                ("provider", fields.CharField(max_length=16)),
                (
                    "state",
                    fields.CharEnumField(
                        description="INTENDED: INTENDED\nDONE: DONE\nREFUSED: REFUSED",
                        enum_type=EffectState,
                        max_length=16,
                    ),
                ),
                ("idempotency_key", fields.CharField(unique=True, max_length=255)),
                ("sends", fields.IntField(default=0)),
                ("object_id", fields.CharField(null=True, max_length=64)),
                ("request_id", fields.CharField(null=True, max_length=128)),
                ("error_code", fields.CharField(null=True, max_length=64)),
                ("error_message", fields.CharField(null=True, max_length=1000)),
                ("first_sent_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "provider_effect",
                "app": "models",
                "unique_together": (("operation_id", "step", "attempt"),),
                "pk_attr": "id",
                "table_description": "One remote change an operation makes: written before the call, settled after the answer.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Quote",
            fields=[
                ("id", fields.CharField(primary_key=True, default=quote_id, unique=True, db_index=True, max_length=40)),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="quotes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("input", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("terms", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "quote",
                "app": "models",
                "indexes": [Index(fields=["customer_id", "created_at"]), Index(fields=["expires_at"])],
                "pk_attr": "id",
                "table_description": "What a change of tier was said to cost, and until when that binds.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=subscription_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="subscriptions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("is_current", fields.BooleanField(default=True)),
                (
                    "status",
                    fields.CharEnumField(
                        description="PENDING: PENDING\nACTIVE: ACTIVE\nPAST_DUE: PAST_DUE\nCANCELLED: CANCELLED\nEXPIRED: EXPIRED",
                        enum_type=SubscriptionStatus,
                        max_length=16,
                    ),
                ),
                (
                    "tier",
                    fields.CharEnumField(
                        description="FREE: FREE\nPRO: PRO\nTEAM: TEAM\nENTERPRISE: ENTERPRISE",
                        enum_type=Tier,
                        max_length=16,
                    ),
                ),
                (
                    "billing_period",
                    fields.CharEnumField(
                        description="MONTHLY: MONTHLY\nYEARLY: YEARLY", enum_type=BillingPeriod, max_length=16
                    ),
                ),
                ("price_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("credits_per_month", fields.BigIntField()),
                ("anchor", fields.DateField()),
                ("credit_anchor", fields.DateField()),
                ("period_start", fields.DateField()),
                ("period_end", fields.DateField()),
                ("paid_minor", fields.BigIntField(default=0)),
                ("cancel_at_period_end", fields.BooleanField(default=False)),
                (
                    "scheduled_tier",
                    fields.CharEnumField(
                        null=True,
                        description="FREE: FREE\nPRO: PRO\nTEAM: TEAM\nENTERPRISE: ENTERPRISE",
                        enum_type=Tier,
                        max_length=16,
                    ),
                ),
                (
                    "scheduled_billing_period",
                    fields.CharEnumField(
                        null=True,
                        description="MONTHLY: MONTHLY\nYEARLY: YEARLY",
                        enum_type=BillingPeriod,
                        max_length=16,
                    ),
                ),
                ("scheduled_price_minor", fields.BigIntField(null=True)),
                ("scheduled_credits_per_month", fields.BigIntField(null=True)),
                ("metronome_contract_id", fields.CharField(null=True, unique=True, max_length=64)),
                ("started_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "subscription",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="price_minor >= 0", name="subscription_price_not_negative"),
                    CheckConstraint(check="credits_per_month >= 0", name="subscription_credits_not_negative"),
                    CheckConstraint(check="period_start < period_end", name="subscription_period_not_empty"),
                ],
                "indexes": [Index(fields=["customer_id", "created_at"]), Index(fields=["status", "period_end"])],
                "pk_attr": "id",
                "table_description": "One customer on one plan. A customer has at most one that is live; ended ones stay as history.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invoice",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=invoice_id, unique=True, db_index=True, max_length=40),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="invoices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "subscription",
                    fields.ForeignKeyField(
                        "models.Subscription",
                        source_field="subscription_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="invoices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("key", fields.CharField(unique=True, max_length=200)),
                (
                    "status",
                    fields.CharEnumField(
                        description="DRAFT: DRAFT\nOPEN: OPEN\nPAID: PAID\nVOID: VOID\nUNCOLLECTIBLE: UNCOLLECTIBLE",
                        enum_type=InvoiceStatus,
                        max_length=16,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("due_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("period_start", fields.DateField()),
                ("period_end", fields.DateField()),
                ("due_date", fields.DateField()),
                ("metronome_invoice_id", fields.CharField(null=True, unique=True, max_length=64)),
                ("first_failed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("failed_attempts", fields.IntField(default=0)),
                ("next_attempt_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("paid_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "invoice",
                "app": "models",
                "constraints": [
                    CheckConstraint(check="amount_minor >= 0", name="invoice_amount_not_negative"),
                    CheckConstraint(check="due_minor >= 0", name="invoice_due_not_negative"),
                ],
                "indexes": [
                    Index(fields=["customer_id", "issued_at", "id"]),
                    Index(fields=["status", "due_date"]),
                    Index(fields=["next_attempt_at"]),
                ],
                "pk_attr": "id",
                "table_description": "What a customer owes for one period or change. Its lines sum to `amount_minor`.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InvoiceLine",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=invoice_line_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "invoice",
                    fields.ForeignKeyField(
                        "models.Invoice",
                        source_field="invoice_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="lines",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField()),
                ("description", fields.CharField(max_length=500)),
                ("quantity", fields.BigIntField()),
                ("unit_price_minor", fields.BigIntField()),
                ("amount_minor", fields.BigIntField()),
            ],
            options={
                "table": "invoice_line",
                "app": "models",
                "unique_together": (("invoice_id", "position"),),
                "constraints": [
                    CheckConstraint(check="quantity >= 1", name="invoice_line_quantity_positive"),
                    CheckConstraint(
                        check="amount_minor = quantity * unit_price_minor", name="invoice_line_amount_is_product"
                    ),
                ],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=payment_id, unique=True, db_index=True, max_length=40),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="payments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "invoice",
                    fields.ForeignKeyField(
                        "models.Invoice",
                        source_field="invoice_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="payments",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("attempt", fields.IntField()),
                ("operation_id", fields.CharField(max_length=40)),
                (
                    "status",
                    fields.CharEnumField(
                        description="PROCESSING: PROCESSING\nREQUIRES_ACTION: REQUIRES_ACTION\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED\nCANCELLED: CANCELLED",
                        enum_type=PaymentStatus,
                        max_length=20,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                ("stripe_payment_intent_id", fields.CharField(null=True, unique=True, max_length=64)),
                ("stripe_charge_id", fields.CharField(null=True, max_length=64)),
                ("stripe_payment_method_id", fields.CharField(null=True, max_length=64)),
                ("client_secret", fields.CharField(null=True, max_length=200)),
                ("error_code", fields.CharField(null=True, max_length=64)),
                ("decline_code", fields.CharField(null=True, max_length=64)),
                ("error_message", fields.CharField(null=True, max_length=500)),
                ("refunded_minor", fields.BigIntField(default=0)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "payment",
                "app": "models",
                "unique_together": (("invoice_id", "attempt"),),
                "constraints": [
                    CheckConstraint(check="amount_minor > 0", name="payment_amount_positive"),
                    CheckConstraint(
                        check="refunded_minor >= 0 AND refunded_minor <= amount_minor",
                        name="payment_refunds_within_amount",
                    ),
                ],
                "indexes": [Index(fields=["customer_id", "created_at", "id"])],
                "pk_attr": "id",
                "table_description": "One attempt to collect one invoice. At most one of an invoice's attempts succeeds.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, default=refund_id, unique=True, db_index=True, max_length=40),
                ),
                (
                    "customer",
                    fields.ForeignKeyField(
                        "models.Customer",
                        source_field="customer_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="refunds",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "payment",
                    fields.ForeignKeyField(
                        "models.Payment",
                        source_field="payment_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="refunds",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("amount_minor", fields.BigIntField()),
                ("currency", fields.CharField(max_length=3)),
                (
                    "status",
                    fields.CharEnumField(
                        description="PENDING: PENDING\nSUCCEEDED: SUCCEEDED\nFAILED: FAILED",
                        enum_type=RefundStatus,
                        max_length=16,
                    ),
                ),
                ("reason", fields.CharField(null=True, max_length=500)),
                ("stripe_refund_id", fields.CharField(null=True, unique=True, max_length=64)),
                ("failure_reason", fields.CharField(null=True, max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "refund",
                "app": "models",
                "constraints": [CheckConstraint(check="amount_minor > 0", name="refund_amount_positive")],
                "indexes": [
                    Index(fields=["payment_id", "created_at"]),
                    Index(fields=["customer_id", "created_at", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "Money given back of one payment: asked for by us, or seen at Stripe.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="WebhookEvent",
            fields=[
                (
                    "id",
                    fields.CharField(
                        primary_key=True, default=webhook_event_id, unique=True, db_index=True, max_length=40
                    ),
                ),
                (
                    "provider",
                    fields.CharEnumField(
                        description="METRONOME: METRONOME\nSTRIPE: STRIPE", enum_type=Provider, max_length=16
                    ),
                ),
                ("event_id", fields.CharField(max_length=255)),
                ("type", fields.CharField(max_length=128)),
                ("payload", fields.TextField(unique=False)),
                ("occurred_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "state",
                    fields.CharEnumField(
                        description="PENDING: PENDING\nDONE: DONE\nIGNORED: IGNORED\nPARKED: PARKED\nDEAD: DEAD",
                        enum_type=WebhookEventState,
                        max_length=16,
                    ),
                ),
                ("attempts", fields.IntField(default=0)),
                ("next_attempt_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("leased_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_error", fields.CharField(null=True, max_length=1000)),
                ("handled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("customer_id", fields.CharField(null=True, max_length=40)),
            ],
            options={
                "table": "webhook_event",
                "app": "models",
                "unique_together": (("provider", "event_id"),),
                "indexes": [Index(fields=["state", "next_attempt_at"]), Index(fields=["received_at", "id"])],
                "pk_attr": "id",
                "table_description": "One event as a provider sent it, stored once, and what became of it.",
            },
            bases=["Model"],
        ),
    ]
