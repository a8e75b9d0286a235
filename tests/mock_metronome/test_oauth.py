import base64

import pytest

from tests.mock_metronome.billing_client import CREDENTIALS, BillingClient


def basic(credential: str) -> str:
    return "Basic " + base64.b64encode(credential.encode()).decode()


async def test_a_token_lasts_an_hour_and_has_both_scopes(client: BillingClient) -> None:
    client.http.headers.pop("authorization")
    answer = await client.http.post("/oauth/token", data=CREDENTIALS)
    token = answer.json()

    assert answer.headers["cache-control"] == "no-store"
    assert len(token.pop("access_token")) == 40
    assert token == {"token_type": "Bearer", "expires_in": 3600, "scope": "billing:read billing:write"}


async def test_the_client_may_send_json_or_authenticate_in_the_header(client: BillingClient) -> None:
    client.http.headers.pop("authorization")
    as_json = await client.http.post("/oauth/token", json=CREDENTIALS)
    in_header = await client.http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"authorization": basic("sandbox-client:sandbox-secret")},
    )

    assert (as_json.status_code, in_header.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "someone"}, 401, "invalid_client"),
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": "gu\u00e9ss"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"scope": "billing:read billing:admin"}, 400, "invalid_scope"),
        ({"scope": 1}, 400, "invalid_request"),
    ],
)
async def test_errors_are_those_of_rfc_6749(
    client: BillingClient, changes: dict[str, object], status: int, error: str
) -> None:
    client.http.headers.pop("authorization")
    body = {name: value for name, value in {**CREDENTIALS, **changes}.items() if value is not None}

    answer = await client.http.post("/oauth/token", json=body)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Bearer x", basic("sandbox-client"), basic("sandbox-client:guess"), "Basic /w=="]
)
async def test_a_garbled_or_wrong_client_header_is_an_invalid_client(client: BillingClient, header: str) -> None:
    answer = await client.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": header}
    )

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"grant_type=client_credentials&grant_type=x", "application/x-www-form-urlencoded"),
        (b"\xff\xff", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
    ],
)
async def test_an_unreadable_request_is_an_invalid_request(client: BillingClient, content: bytes, kind: str) -> None:
    answer = await client.http.post("/oauth/token", content=content, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_two_ways_to_authenticate_at_once_are_refused(client: BillingClient) -> None:
    header = {"authorization": basic("sandbox-client:sandbox-secret")}

    answer = await client.http.post("/oauth/token", data=CREDENTIALS, headers=header)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic nonsense", "nonsense"])
async def test_the_api_needs_a_bearer_token(client: BillingClient, header: str | None) -> None:
    client.http.headers.pop("authorization")
    headers = {} if header is None else {"authorization": header}

    answer = await client.http.get("/api/v1/customers", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_token_expires_by_the_mock_clock(client: BillingClient) -> None:
    await client.control("clock", advance_seconds=3599)
    await client.get("customers")

    await client.control("clock", advance_seconds=1)

    await client.get("customers", status=401)


@pytest.mark.parametrize(("scope", "read", "write"), [("billing:read", 200, 403), ("billing:write", 403, 400)])
async def test_a_scope_admits_to_its_own_half(client: BillingClient, scope: str, read: int, write: int) -> None:
    await client.sign_in(scope=scope)

    await client.get("customers", status=read)
    await client.post("customers", {}, status=write)


async def test_the_client_secret_is_not_kept_in_the_journal(client: BillingClient) -> None:
    state = await client.http.get("/_mock/state")

    assert "sandbox-client" in state.text
    assert "sandbox-secret" not in state.text
