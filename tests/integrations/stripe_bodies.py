"""Objects as Stripe sends them, shortened to what we read, for servers that say one thing."""

CREATED = 1772366400  # 2026-03-01T12:00:00Z

CUSTOMER = {
    "id": "cus_1",
    "object": "customer",
    "name": "Planted Name",
    "email": "planted@example.com",
    "invoice_settings": {"default_payment_method": "pm_1"},
    "metadata": {"entity_id": "user-1", "plan": "beta"},
    "created": CREATED,
}

PAYMENT_METHOD = {
    "id": "pm_1",
    "object": "payment_method",
    "type": "card",
    "customer": "cus_1",
    "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030},
    "metadata": {},
    "created": CREATED,
}

INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 900,
    "amount_received": 900,
    "currency": "usd",
    "customer": "cus_1",
    "payment_method": "pm_1",
    "client_secret": "pi_1_secret_planted",
    "latest_charge": "ch_1",
    "last_payment_error": None,
    "next_action": None,
    "metadata": {"invoice": "in-1"},
    "created": CREATED,
}

DECLINE = {
    "type": "card_error",
    "code": "card_declined",
    "decline_code": "insufficient_funds",
    "message": "Your card has insufficient funds.",
    "advice_code": "try_again_later",
    "charge": "ch_2",
}

DECLINED_INTENT = {
    **INTENT,
    "status": "requires_payment_method",
    "amount_received": 0,
    "payment_method": None,
    "latest_charge": "ch_2",
    "last_payment_error": DECLINE,
}

CHARGE = {
    "id": "ch_2",
    "object": "charge",
    "status": "failed",
    "amount": 900,
    "amount_captured": 0,
    "amount_refunded": 0,
    "currency": "usd",
    "customer": "cus_1",
    "payment_intent": {**INTENT},
    "failure_code": "card_declined",
    "failure_message": "Your card has insufficient funds.",
    "outcome": {"reason": "insufficient_funds", "advice_code": "try_again_later"},
    "metadata": {},
    "created": CREATED,
}

REFUND = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 300,
    "currency": "usd",
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "metadata": {"reason": "asked"},
    "created": CREATED,
}

SETUP_INTENT: dict[str, object] = {
    "id": "seti_1",
    "object": "setup_intent",
    "status": "requires_payment_method",
    "customer": "cus_1",
    "payment_method": None,
    "client_secret": "seti_1_secret_planted",
    "metadata": {},
    "created": CREATED,
}


def event(event_type: str, snapshot: object, **previous: object) -> dict[str, object]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": event_type,
        "api_version": "2026-10-28.endive",
        "created": CREATED,
        "livemode": False,
        "data": {"object": snapshot, "previous_attributes": previous},
        "request": {"id": "req_1", "idempotency_key": "op:1"},
    }


def listed(*items: object, more: bool = False) -> dict[str, object]:
    return {"object": "list", "data": list(items), "has_more": more, "url": "/v1/things"}


def refusal(kind: str, code: str | None = None, **more: object) -> dict[str, object]:
    return {"error": {"type": kind, "code": code, "message": "planted@example.com is not welcome", **more}}
