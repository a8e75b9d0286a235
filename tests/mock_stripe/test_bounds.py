"""The sandbox does not grow for ever."""

import httpx
import pytest

from mock_stripe.app import create_app

KEY = {"authorization": "Bearer sk_test_1"}
MOST = 3
CARD = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2040"}
PAYMENT = {
    "amount": "1000",
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
}


@pytest.mark.parametrize(
    ("path", "form", "kind", "noun"),
    [
        ("customers", {}, "customers", "customer"),
        ("payment_methods", CARD, "payment_methods", "PaymentMethod"),
        ("setup_intents", {}, "setup_intents", "setupintent"),
        ("payment_intents", {"amount": "1000", "currency": "usd"}, "payment_intents", "payment_intent"),
        ("payment_intents", PAYMENT, "charges", "PaymentMethod"),
    ],
)
async def test_past_the_last_object_of_a_kind_there_is_a_clear_refusal_until_a_reset(
    path: str, form: dict[str, str], kind: str, noun: str
) -> None:
    app = create_app(most_objects=MOST)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://stripe.test", headers=KEY
    ) as http:
        for _ in range(MOST):
            assert (await http.post(f"/v1/{path}", data=form)).status_code == 200

        refused = await http.post(f"/v1/{path}", data=form)

        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == (
            f"The sandbox holds at most 3 objects of the kind {noun}; POST /_mock/reset empties it."
        )
        assert (await counts(http))[kind] == MOST
        assert (await http.post("/_mock/reset")).is_success
        assert (await http.post(f"/v1/{path}", data=form)).status_code == 200
    await app.aclose()


async def test_the_oldest_events_are_forgotten() -> None:
    app = create_app(most_objects=MOST)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://stripe.test", headers=KEY
    ) as http:
        customer = (await http.post("/v1/customers")).json()["id"]
        for number in range(MOST):
            await http.post(f"/v1/customers/{customer}", data={"name": str(number)})

        listed = (await http.get("/v1/events")).json()["data"]

        assert [event["data"]["object"]["name"] for event in listed] == ["2", "1", "0"]
    await app.aclose()


async def counts(http: httpx.AsyncClient) -> dict[str, int]:
    found: dict[str, int] = (await http.get("/_mock/state")).json()["objects"]
    return found
