import asyncio
from collections.abc import Mapping

import httpx
import pytest

from tests.mock_kit.tally import create_app, in_process, told


async def post(
    client: httpx.AsyncClient,
    key: str,
    path: str = "/tally",
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    return await client.post(path, content=body, headers={"idempotency-key": key, **(headers or {})})


async def test_the_same_request_gets_the_stored_answer_and_says_so() -> None:
    async with in_process(create_app()) as client:
        first, second = await post(client, "k"), await post(client, "k")

    assert (first.json(), "idempotent-replayed" in first.headers) == ({"count": 1}, False)
    assert (second.json(), second.headers["idempotent-replayed"]) == ({"count": 1}, "true")


@pytest.mark.parametrize(("path", "body"), [("/tally", b"other"), ("/declined", b""), ("/tally?a=1", b"")])
async def test_another_request_under_the_same_key_is_a_mismatch(path: str, body: bytes) -> None:
    async with in_process(create_app()) as client:
        await post(client, "k")
        other = await post(client, "k", path, body=body)
        state = (await client.get("/_mock/state")).json()

    assert (other.status_code, other.json()) == (400, {"error": "mismatch"})
    assert state["objects"] == {"tally": 1}


async def test_a_refusal_after_execution_began_is_stored() -> None:
    async with in_process(create_app()) as client:
        answers = [await post(client, "k", "/declined") for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(402, {"count": 1})] * 2


async def test_an_answer_given_before_execution_leaves_the_key_free() -> None:
    async with in_process(create_app()) as client:
        assert (await post(client, "k", "/refused")).status_code == 400
        assert (await post(client, "k", headers={"authorization": "nobody"})).status_code == 401
        assert (await post(client, "k")).json() == {"count": 1}


async def test_a_second_request_while_the_first_runs_is_told_so() -> None:
    async with in_process(create_app()) as client:
        await told(client, "/_mock/faults", kind="delay", path="/tally", delay_ms=20)
        first, second = await asyncio.gather(post(client, "k"), post(client, "k"))

    assert (first.status_code, first.json()) == (200, {"count": 1})
    assert (second.status_code, second.json()) == (409, {"error": "in flight"})


async def test_a_key_is_free_again_after_24_hours_of_mock_time() -> None:
    async with in_process(create_app()) as client:
        await post(client, "k")
        await told(client, "/_mock/clock", advance_seconds=24 * 3600 - 1)
        assert (await post(client, "k")).json() == {"count": 1}

        await told(client, "/_mock/clock", advance_seconds=1)
        assert (await post(client, "k")).json() == {"count": 2}


async def test_keys_belong_to_their_account() -> None:
    async with in_process(create_app()) as client:
        first = await post(client, "k", headers={"x-account": "a"})
        second = await post(client, "k", headers={"x-account": "b"})

    assert (first.json(), second.json()) == ({"count": 1}, {"count": 2})


async def test_a_key_longer_than_255_characters_is_refused() -> None:
    async with in_process(create_app()) as client:
        assert (await post(client, "k" * 255)).status_code == 200
        assert (await post(client, "k" * 256)).json() == {"error": "too long"}


async def test_the_oldest_keys_make_room() -> None:
    async with in_process(create_app(capacity=2)) as client:
        for key in ("a", "b", "c"):
            await post(client, key)

        assert (await post(client, "c")).json() == {"count": 3}
        assert (await post(client, "a")).json() == {"count": 4}


async def test_a_handler_that_fails_by_a_bug_leaves_the_key_free() -> None:
    async with in_process(create_app()) as client:
        with pytest.raises(ZeroDivisionError):
            await post(client, "k", "/bug")
        await told(client, "/_mock/faults", kind="delay", path="/bug", delay_ms=1)
        with pytest.raises(ZeroDivisionError):
            await post(client, "k", "/bug")

        assert (await post(client, "k")).json() == {"count": 1}
