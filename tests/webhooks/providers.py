"""Doing something at a provider as somebody else would: in its dashboard, or through its API."""

from typing import Any

from tests.service import Service
from tests.webhooks.delivery import Json

STRIPE_KEY = {"authorization": "Bearer sk_test_sandbox"}


async def stripe_call(service: Service, method: str, path: str, **form: str) -> Json:
    answer = await service.stripe.http.request(method, f"/v1/{path}", data=form, headers=STRIPE_KEY)
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


async def metronome_call(service: Service, method: str, path: str, body: dict[str, Any]) -> Json:
    token = await service.metronome.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"},
    )
    headers = {"authorization": f"Bearer {token.json()['access_token']}"}
    answer = await service.metronome.http.request(method, f"/api/v1/{path}", json=body, headers=headers)
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found
