"""A few customers to look at, made the way any client would make them."""

from typing import Any

import httpx
from pydantic import SecretStr

TIMEOUT_SECONDS = 30.0

PRESENT = "{ customers(first: 10) { nodes { entityId } } }"

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


class DemoRefused(Exception):  # noqa: N818 - named for what is wrong, as all our errors
    def __init__(self, answer: object) -> None:
        super().__init__(f"the demo data was refused: {answer}")


def load_demo_data(graphql_url: str, key: SecretStr) -> int:
    """Onboards the demo customers that are missing, unless there are others already. Returns how many it onboarded."""
    headers = {"authorization": f"Bearer {key.get_secret_value()}"}
    with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers) as client:
        present = {node["entityId"] for node in _ask(client, graphql_url, PRESENT, {})["customers"]["nodes"]}
        demo = {customer["entity"]["id"]: customer for customer in CUSTOMERS}
        missing = [] if present - demo.keys() else [demo[entity_id] for entity_id in demo if entity_id not in present]
        for customer in missing:
            payload = _ask(client, graphql_url, ONBOARD, {"input": customer})["onboard"]
            if payload["userErrors"]:
                raise DemoRefused(payload["userErrors"])
    return len(missing)


def _ask(client: httpx.Client, url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(url, json={"query": query, "variables": variables}).json()
    if "errors" in answer:
        raise DemoRefused(answer["errors"])
    data: dict[str, Any] = answer["data"]
    return data
