"""The rows. One file per noun; constraints that only SQL can say are in migrations/."""

from models.activity import Activity
from models.api_key import ApiKey, Session
from models.audit_entry import ActorKind, AuditEntry, AuditOutcome
from models.customer import Customer
from models.customer_drift import CustomerDrift, DriftKind
from models.invoice import Invoice, InvoiceLine
from models.ledgers import AccountBalanceEntry, CreditEntry
from models.operation import EffectState, IdempotencyKey, Operation, OperationKind, OperationStatus, ProviderEffect
from models.payment import UNDECIDED, Payment, PaymentMethod, PaymentStatus, Refund, RefundStatus
from models.process import Reconciliation, WorkerHeartbeat
from models.quote import Quote
from models.subscription import Subscription
from models.webhook_event import EventCursor, Provider, WebhookEvent, WebhookEventState, WebhookReplay

__all__ = [
    "UNDECIDED",
    "AccountBalanceEntry",
    "Activity",
    "ActorKind",
    "ApiKey",
    "AuditEntry",
    "AuditOutcome",
    "CreditEntry",
    "Customer",
    "CustomerDrift",
    "DriftKind",
    "EffectState",
    "EventCursor",
    "IdempotencyKey",
    "Invoice",
    "InvoiceLine",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Payment",
    "PaymentMethod",
    "PaymentStatus",
    "Provider",
    "ProviderEffect",
    "Quote",
    "Reconciliation",
    "Refund",
    "RefundStatus",
    "Session",
    "Subscription",
    "WebhookEvent",
    "WebhookEventState",
    "WebhookReplay",
    "WorkerHeartbeat",
]
