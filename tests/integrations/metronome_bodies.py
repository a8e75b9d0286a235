"""Objects as Metronome sends them, for servers that say one thing."""

CUSTOMER = {
    "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a01",
    "entity_id": "user-1",
    "entity_type": "user",
    "email": "planted@example.com",
    "name": "Planted Name",
    "metadata": {"plan": "beta"},
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}

CONTRACT = {
    "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a02",
    "customer_id": CUSTOMER["id"],
    "tier": "pro",
    "status": "active",
    "billing_period": "monthly",
    "start_date": "2026-03-01T00:00:00Z",
    "end_date": None,
    "cancelled_at": None,
    "rate_card_id": "standard",
    "price": None,
    "credits_per_month": None,
    "currency": "USD",
    "billing_anchor_date": "2026-01-31T00:00:00Z",
    "current_period": {"start": "2026-02-28T00:00:00Z", "end": "2026-03-31T00:00:00Z"},
    "uniqueness_key": "contract:1",
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}

INVOICE = {
    "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a03",
    "customer_id": CUSTOMER["id"],
    "contract_id": CONTRACT["id"],
    "amount": 1032,
    "currency": "USD",
    "status": "open",
    "due_date": "2026-03-31T00:00:00Z",
    "paid_at": None,
    "external_payment_id": None,
    "line_items": [
        {
            "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a04",
            "description": "Unused Pro",
            "quantity": 1,
            "unit_price": -465,
            "amount": -465,
        },
        {
            "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a05",
            "description": "Team",
            "quantity": 1,
            "unit_price": 1497,
            "amount": 1497,
        },
    ],
    "period": None,
    "uniqueness_key": "invoice:1",
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}

CREDIT = {
    "id": "0b2c7a30-5a6f-4e3a-9d0e-3f1f5f0c1a06",
    "customer_id": CUSTOMER["id"],
    "contract_id": None,
    "amount": 500,
    "balance": 400,
    "currency": "credits",
    "expires_at": "2026-04-01T00:00:00Z",
    "expired_at": None,
    "reason": "goodwill",
    "uniqueness_key": "credit:1",
    "created_at": "2026-03-01T12:00:00Z",
}


def refusal(code: str, field: str | None = None) -> dict[str, object]:
    return {"message": "planted@example.com is not welcome", "code": code, "field": field}
