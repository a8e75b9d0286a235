"""Verbs on a customer nobody onboarded: told so, however odd the name is that was given."""

import pytest

from tests.service import Service

ODD_NAMES = {"plain": "nobody", "empty": "", "NUL": "\x00", "10,000 characters": "x" * 10_000}
# What each takes besides the customer.
VERBS = {
    "quoteTierChange": "tier: TEAM",
    "changeTier": "tier: TEAM",
    "withdrawScheduledChange": "",
    "cancel": "",
    "reactivate": "",
    "createSetupIntent": "",
    "attachPaymentMethod": 'paymentMethodId: "pm_card_visa"',
}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_on_an_unknown_customer_says_so(service: Service, verb: str, name: str) -> None:
    kind = "query" if verb.startswith("quote") else "mutation"
    call = f"{verb}(input: {{ entityId: $id, {VERBS[verb]} }})"

    data = await service.graphql(f"{kind} ($id: String!) {{ {call} {{ userErrors {{ code field }} }} }}", id=name)

    assert data[verb]["userErrors"] == [{"code": "CUSTOMER_NOT_FOUND", "field": "entityId"}]
