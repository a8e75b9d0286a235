from typing import Any

import httpx
import pytest

from tests.mock_stripe.conftest import World

KEY = {"authorization": "Bearer sk_test_1"}


async def post(world: World, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    response = await world.http.post(f"/v1/{path}", data=form, headers=KEY)
    return response.status_code, response.json().get("error", response.json())


@pytest.mark.parametrize(
    ("path", "form", "expected", "param"),
    [
        ("customers", {"nickname": "x"}, "parameter_unknown", "nickname"),
        ("customers", {"invoice_settings[nickname]": "x"}, "parameter_unknown", "invoice_settings[nickname]"),
        ("payment_methods", {"type": "card", "card[numbr]": "4"}, "parameter_unknown", "card[numbr]"),
        ("payment_intents", {"currency": "usd"}, "parameter_missing", "amount"),
        ("payment_intents", {"amount": "1e3", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ("payment_intents", {"amount": "10.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        (
            "payment_intents",
            {"amount": "1000", "currency": "usd", "payment_method_types[0]": "card"},
            "payment_method_types_no_longer_supported",
            "payment_method_types",
        ),
        ("setup_intents", {"payment_method_types[]": "card"}, "payment_method_types_no_longer_supported", None),
        (
            "payment_intents",
            {"amount": "1000", "currency": "usd", "customer": ""},
            "parameter_invalid_empty",
            "customer",
        ),
        ("customers", {"expand[]": "subscriptions"}, None, "expand"),
        ("refunds", {"charge": "ch_1", "reason": "boredom"}, None, "reason"),
        ("payment_intents", {"amount": "1000", "currency": "usd", "confirm": "yes"}, None, "confirm"),
        ("payment_intents", {"amount": "1000", "currency": "usd", "amount[x]": "1"}, None, "amount[x]"),
        ("payment_intents", {"amount": "1000", "currency": "usd", "transfer_data[destination]": "a"}, None, None),
        ("customers", {"metadata[" + "k" * 41 + "]": "v"}, None, "metadata"),
        ("customers", {"metadata[k]": "v" * 501}, None, "metadata[k]"),
        ("customers", {"a[": "v"}, None, "a["),
        ("webhook_endpoints", {"url": "http://x.test", "enabled_events[]": "charge.*"}, None, "enabled_events[0]"),
    ],
)
async def test_what_stripe_would_refuse_is_refused_and_does_nothing(
    world: World, path: str, form: dict[str, str], expected: str | None, param: str | None
) -> None:
    status, error = await post(world, path, form)
    assert (status, error["type"], error.get("code")) == (400, "invalid_request_error", expected)
    if param:
        assert error["param"] == param
    counts = await world.counts()
    assert {name: count for name, count in counts.items() if count} == {}


async def test_an_unknown_parameter_is_named_in_stripe_s_words(world: World) -> None:
    _, error = await post(world, "customers", {"nickname": "x"})
    assert error["message"] == "Received unknown parameter: nickname"
    assert error["doc_url"] == "https://docs.stripe.com/error-codes/parameter-unknown"
    _, error = await post(world, "customers", {"nickname": "x", "surname": "y"})
    assert error["message"] == "Received unknown parameters: nickname, surname"


async def test_an_unknown_query_parameter_is_refused_too(world: World) -> None:
    response = await world.http.get("/v1/charges?nickname=x", headers=KEY)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "parameter_unknown")


async def test_arrays_are_taken_with_and_without_indexes(world: World) -> None:
    for form in (
        {"preferred_locales[0]": "en", "preferred_locales[1]": "fr"},
        {"preferred_locales[]": ["en", "fr"]},
        {"preferred_locales[1]": "fr", "preferred_locales[0]": "en"},
    ):
        response = await world.http.post("/v1/customers", data=form, headers=KEY)
        assert response.json()["preferred_locales"] == ["en", "fr"]


async def test_metadata_is_merged_and_an_empty_string_removes(world: World) -> None:
    _, customer = await post(world, "customers", {"metadata[a]": "1", "metadata[b]": "2", "metadata[0]": "3"})
    assert customer["metadata"] == {"a": "1", "b": "2", "0": "3"}
    _, customer = await post(world, f"customers/{customer['id']}", {"metadata[a]": "", "metadata[c]": "4"})
    assert customer["metadata"] == {"b": "2", "0": "3", "c": "4"}
    _, customer = await post(world, f"customers/{customer['id']}", {"metadata": ""})
    assert customer["metadata"] == {}


async def test_an_empty_string_unsets_a_text(world: World) -> None:
    _, customer = await post(world, "customers", {"name": "Ada", "email": "a@b.c"})
    _, customer = await post(world, f"customers/{customer['id']}", {"name": ""})
    assert (customer["name"], customer["email"]) == (None, "a@b.c")


async def test_an_update_that_fails_changes_nothing(world: World) -> None:
    _, customer = await post(world, "customers", {"name": "Ada"})
    form = {"name": "Bob", "invoice_settings[default_payment_method]": "pm_unknown"}
    status, _ = await post(world, f"customers/{customer['id']}", form)
    assert status == 400
    assert (await world.v1.customers.retrieve_async(customer["id"])).name == "Ada"


async def test_json_is_not_a_form(world: World) -> None:
    response = await world.http.post("/v1/customers", json={"name": "Ada"}, headers=KEY)
    assert (response.status_code, (await world.counts())["customers"]) == (400, 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/invoices"), ("POST", "/v1/subscriptions"), ("DELETE", "/v1/charges/ch_1"), ("POST", "/")],
)
async def test_what_is_not_simulated_is_an_unrecognized_url(world: World, method: str, path: str) -> None:
    response = await world.http.request(method, path, headers=KEY)
    assert response.status_code == 404
    assert response.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: {path})")


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "You did not provide an API key."),
        ({"authorization": "Bearer "}, "You did not provide an API key."),
        ({"authorization": "Basic ???"}, "You did not provide an API key."),
        ({"authorization": "Bearer sk_live_1234567890abcdef"}, "Invalid API Key provided: sk_live_********cdef"),
        ({"authorization": "Bearer pk_test_1"}, "Invalid API Key provided: pk_test_********"),
    ],
)
async def test_without_a_test_key_nothing_is_answered(world: World, headers: dict[str, str], message: str) -> None:
    response = await world.http.post("/v1/customers", data={"name": "Ada"}, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["message"].startswith(message)
    assert response.headers["request-id"].startswith("req_")
    assert (await world.counts())["customers"] == 0


async def test_a_restricted_key_and_basic_authentication_are_accepted(world: World) -> None:
    headers = {"authorization": "Bearer rk_test_1"}
    assert (await world.http.get("/v1/customers", headers=headers)).status_code == 200
    basic = httpx.BasicAuth("sk_test_1", "")
    assert (await world.http.get("/v1/customers", auth=basic)).status_code == 200


async def test_another_api_version_is_refused(world: World) -> None:
    response = await world.http.get("/v1/customers", headers={**KEY, "stripe-version": "2020-08-27"})
    assert response.status_code == 400
    assert "2020-08-27" in response.json()["error"]["message"]


async def test_health_needs_no_key(world: World) -> None:
    response = await world.http.get("/health")
    assert response.json() == {"status": "ok", "time": "2027-03-01T12:00:00Z"}


async def test_a_browser_sees_the_newest_customers(world: World) -> None:
    first = await world.v1.customers.create_async({"name": "Ada", "metadata": {"entity_id": "user_1"}})
    second = await world.v1.customers.create_async({"name": "Bob & Co"})

    page = (await world.http.get("/")).text

    rows = f"<td>Bob &amp; Co</td><td></td><td>{second.id}</td></tr><tr><td>Ada</td><td>user_1</td><td>{first.id}</td>"
    assert rows in page
    assert "It has 2 customers, " in page
