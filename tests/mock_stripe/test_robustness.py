"""Whatever is sent, Stripe's sandbox answers in Stripe's shape."""

import asyncio
from urllib.parse import quote

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_stripe.app import create_app

KEY = {"authorization": "Bearer sk_test_1", "content-type": "application/x-www-form-urlencoded"}

_names = st.sampled_from(
    ["amount", "currency", "metadata", "expand", "card", "type", "created", "limit", "query", "page", "customer"]
)
_keys = st.one_of(st.sampled_from(["", "0", "1", "gte", "number", "²", "9" * 40, "[", "]"]), st.text(max_size=5))
_values = st.one_of(
    st.sampled_from(["", "usd", "card", "1000", "-1", "true", "9" * 5000, "data.customer", "email:'a'", "cus_1"]),
    st.text(max_size=20),
)


@st.composite
def _pairs(draw: st.DrawFn) -> str:
    name = draw(_names) + "".join(f"[{key}]" for key in draw(st.lists(_keys, max_size=3)))
    return f"{quote(name)}={quote(draw(_values))}"


_forms = st.lists(_pairs(), max_size=4).map("&".join)
_routes = st.sampled_from(
    [
        ("GET", "/v1/customers"),
        ("GET", "/v1/customers/search"),
        ("GET", "/v1/events"),
        ("POST", "/v1/customers"),
        ("POST", "/v1/payment_intents"),
        ("POST", "/v1/payment_methods"),
        ("POST", "/v1/refunds"),
        ("POST", "/v1/webhook_endpoints"),
    ]
)


async def _answer(method: str, path: str, form: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app()), base_url="http://stripe.test") as http:
        if method == "GET":
            return await http.get(f"{path}?{form}", headers=KEY)
        return await http.post(path, content=form, headers=KEY)


@settings(max_examples=300)
@given(route=_routes, form=_forms)
def test_any_form_gets_an_object_or_an_error_of_the_client_s_making(route: tuple[str, str], form: str) -> None:
    response = asyncio.run(_answer(*route, form))
    if response.status_code == 200:
        assert "object" in response.json()
    else:
        assert response.status_code in {400, 402, 404}
        assert response.json()["error"]["message"]
