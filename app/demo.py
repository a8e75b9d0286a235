"""A few customers to look at, made the way any client would make them."""

from typing import Any

import httpx

TIMEOUT_SECONDS = 30.0

COUNT = "{ customers(first: 1) { totalCount } }"

ONBOARD = """
mutation Demo($input: OnboardInput!) {
  onboard(input: $input) { operation { id status } userErrors { code field message } }
}
"""

CUSTOMERS: tuple[dict[str, Any], ...] = (
    {
        "entity": {"id": "user_grace", "type": "USER", "name": "Grace Hopper", "email": "grace@example.com"},
    },
    {
        "entity": {"id": "user_linus", "type": "USER", "name": "Linus Pauling", "email": "linus@example.com"},
        "tier": "PRO",
        "paymentMethodId": "pm_card_visa",
    },
    {
        "entity": {"id": "org_acme", "type": "ORGANIZATION", "name": "Acme Inc.", "email": "billing@acme.example"},
        "tier": "TEAM",
        "billingPeriod": "YEARLY",
        "paymentMethodId": "pm_card_mastercard",
    },
    {
        "entity": {"id": "user_rosa", "type": "USER", "name": "Rosa Parks", "email": "rosa@example.com"},
        "tier": "PRO",
        "paymentMethodId": "pm_card_chargeCustomerFail",
    },
    {
        "entity": {"id": "org_initech", "type": "ORGANIZATION", "name": "Initech", "email": "ap@initech.example"},
        "tier": "ENTERPRISE",
        "billingPeriod": "YEARLY",
        "enterpriseTerms": {"price": {"minorUnits": 1200000}, "creditsPerMonth": 500000},
    },
)


class DemoRefused(Exception):
    def __init__(self, answer: object) -> None:
        super().__init__(f"the demo data was refused: {answer}")


def load_demo_data(graphql_url: str) -> int:
    """Onboards the demo customers when there are none at all. Returns how many it onboarded."""
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        if _ask(client, graphql_url, COUNT, {})["customers"]["totalCount"]:
            return 0
        for customer in CUSTOMERS:
            payload = _ask(client, graphql_url, ONBOARD, {"input": customer})["onboard"]
            if payload["userErrors"]:
                raise DemoRefused(payload["userErrors"])
    return len(CUSTOMERS)


def _ask(client: httpx.Client, url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(url, json={"query": query, "variables": variables}).json()
    if "errors" in answer:
        raise DemoRefused(answer["errors"])
    data: dict[str, Any] = answer["data"]
    return data
