"""The sandbox does not grow for ever. Ten thousand customers go straight to the provider, not over HTTP."""

import json

import pytest

from mock_kit.clock import Clock
from mock_kit.ids import Ids
from mock_kit.messages import Answer, Request
from mock_metronome.books import MOST_CUSTOMERS, MOST_OBJECTS, Books
from mock_metronome.events import MOST_EVENTS, EventLog
from mock_metronome.oauth import MOST_TOKENS, Client, Tokens
from mock_metronome.provider import Metronome
from tests.mock_metronome.billing_client import CREDENTIALS, invoice_body

CONTRACT = {"tier": "free", "billing_period": "monthly", "start_date": "2100-01-01T00:00:00Z"}


def metronome(most_objects: int = MOST_OBJECTS) -> Metronome:
    clock, ids = Clock(), Ids(1)
    events = EventLog(ids=ids, publish=lambda event: None)
    books = Books(clock=clock, ids=ids, events=events, most_objects=most_objects)
    return Metronome(books=books, tokens=Tokens(client=Client(), clock=clock, ids=ids))


def request(method: str, path: str, body: object, **headers: str) -> Request:
    return Request(method, path, "", {"content-type": "application/json", **headers}, json.dumps(body).encode())


def make_customer(provider: Metronome, number: int) -> Answer:
    body = {"entity_id": str(number), "entity_type": "user", "name": "n", "email": "a@example.com"}
    return provider.handle(request("POST", "/api/v1/customers", body))


def test_past_the_last_customer_there_is_a_clear_refusal_until_a_reset() -> None:
    provider = metronome()
    for number in range(MOST_CUSTOMERS):
        make_customer(provider, number)

    refusal = make_customer(provider, -1)

    assert (refusal.status, json.loads(refusal.body)["code"]) == (409, "IllegalState")
    assert json.loads(refusal.body)["message"] == (
        "The sandbox holds at most 10000 customers; POST /_mock/reset empties it."
    )
    assert provider.counts()["customers"] == MOST_CUSTOMERS
    provider.reset()
    assert make_customer(provider, -1).status == 200


@pytest.mark.parametrize("noun", ["contracts", "credits", "invoices"])
def test_past_the_last_object_of_a_kind_there_is_a_clear_refusal_until_a_reset(noun: str) -> None:
    provider = metronome(most_objects=3)
    while provider.counts()[noun] < 3:
        assert add(provider, noun).status == 200

    refusal = add(provider, noun)

    assert (refusal.status, json.loads(refusal.body)["message"]) == (
        409,
        f"The sandbox holds at most 3 {noun}; POST /_mock/reset empties it.",
    )
    assert provider.counts()[noun] == 3
    provider.reset()
    assert add(provider, noun).status == 200


def add(provider: Metronome, noun: str) -> Answer:
    """One more, for a customer of its own; an invoice is for the first contract that there is."""
    if noun == "invoices":
        contract = json.loads(provider.handle(request("GET", "/api/v1/contracts", None)).body)["data"] or [
            json.loads(add(provider, "contracts").body)
        ]
        body = invoice_body(contract[0]["customer_id"], contract[0]["id"])
    else:
        customer = json.loads(make_customer(provider, provider.counts()["customers"]).body)["id"]
        body = {"customer_id": customer, **(CONTRACT if noun == "contracts" else {"amount": 5})}
    return provider.handle(request("POST", f"/api/v1/{noun}", body))


def test_the_oldest_events_are_forgotten() -> None:
    provider = metronome()
    customer_id = json.loads(make_customer(provider, 1).body)["id"]
    for number in range(MOST_EVENTS):
        provider.handle(request("PATCH", f"/api/v1/customers/{customer_id}", {"name": str(number)}))

    listed = json.loads(provider.handle(Request("GET", "/api/v1/webhooks/events", "limit=1", {}, b"")).body)

    assert (listed["total"], listed["data"][0]["type"]) == (MOST_EVENTS, "customer.updated")


def test_the_oldest_tokens_are_forgotten() -> None:
    provider = metronome()
    tokens = []
    for _ in range(MOST_TOKENS + 1):
        answer = provider.handle(request("POST", "/oauth/token", CREDENTIALS))
        tokens.append(json.loads(answer.body)["access_token"])

    first, second = (
        provider.admit(request("GET", "/api/v1/customers", None, authorization=f"Bearer {token}"))
        for token in tokens[:2]
    )

    assert first is not None
    assert (first.status, second) == (401, None)
