"""Row ids: a prefix that names the noun, then 128 random bits.

One function for each noun: a column's default stands in the migrations by its name.
"""

from uuid import uuid4

ID_LENGTH = 40


def _new(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def account_balance_entry_id() -> str:
    return _new("abe")


def api_key_id() -> str:
    return _new("key")


def audit_entry_id() -> str:
    return _new("aud")


def credit_entry_id() -> str:
    return _new("cre")


def customer_drift_id() -> str:
    return _new("dri")


def customer_id() -> str:
    return _new("cus")


def invoice_id() -> str:
    return _new("inv")


def invoice_line_id() -> str:
    return _new("inl")


def operation_id() -> str:
    return _new("op")


def payment_id() -> str:
    return _new("pay")


def payment_method_id() -> str:
    return _new("pmt")


def provider_effect_id() -> str:
    return _new("eff")


def quote_id() -> str:
    return _new("quo")


def reconciliation_id() -> str:
    return _new("rec")


def refund_id() -> str:
    return _new("ref")


def session_id() -> str:
    return _new("ses")


def subscription_id() -> str:
    return _new("sub")


def webhook_event_id() -> str:
    return _new("whe")
