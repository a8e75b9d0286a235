"""One exchange with Metronome: what each kind of answer becomes, and which are asked for again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from billing.tiers import EntityType
from integrations.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    ProviderError,
    Rejected,
    StoredFailure,
    Unavailable,
)
from integrations.http import provider_http_client
from integrations.metronome.client import MetronomeClient
from integrations.metronome.oauth import TokenSource
from integrations.metronome.retries import Retries
from integrations.metronome.types import Customer
from tests.integrations.metronome_bodies import CUSTOMER, refusal
from tests.integrations.remote import (
    HTML,
    Answer,
    ManualClock,
    MetronomeRemote,
    Pauses,
    Silence,
    answer,
    connected,
    hanging_up,
)
from tests.integrations.test_oauth import CREDENTIALS

CREATED = answer(CUSTOMER, 201)


@asynccontextmanager
async def client_of(
    remote: MetronomeRemote,
    pauses: Pauses | None = None,
    *,
    random: Callable[[], float] = lambda: 0.5,
    timeout_seconds: float = 60,
) -> AsyncIterator[MetronomeClient]:
    async with connected(remote) as http:
        retries = Retries(sleep=pauses or Pauses(), random=random)
        tokens = TokenSource(http, CREDENTIALS, ManualClock())
        yield MetronomeClient(http, tokens, retries=retries, timeout_seconds=timeout_seconds)


async def create(client: MetronomeClient) -> Customer:
    return await client.create_customer(
        entity_id="user-1",
        entity_type=EntityType.USER,
        name="Planted Name",
        email="planted@example.com",
        metadata={},
        idempotency_key="op:customer:1",
    )


@pytest.mark.parametrize(
    ("told", "expected", "sentence"),
    [
        (
            answer(refusal("InvalidRequest", "email"), 400, x_request_id="req-7"),
            Rejected,
            "metronome create_customer: rejected as InvalidRequest (status 400, field email) (request req-7)",
        ),
        (answer(refusal("NotFound"), 404), NotFound, "metronome create_customer: rejected as NotFound (status 404)"),
        (
            answer(refusal("UniquenessKeyUsed"), 409),
            Conflict,
            "metronome create_customer: rejected as UniquenessKeyUsed (status 409)",
        ),
        (
            answer(refusal("IdempotencyKeyReused"), 409),
            Conflict,
            "metronome create_customer: rejected as IdempotencyKeyReused (status 409)",
        ),
        (
            answer(refusal("IllegalState"), 409),
            Rejected,
            "metronome create_customer: rejected as IllegalState (status 409)",
        ),
        (
            answer(refusal("planted@example.com", "planted secret"), 400),
            Rejected,
            "metronome create_customer: rejected as unnamed (status 400)",
        ),
        (
            answer(refusal("Unauthorized"), 403),
            CredentialsRefused,
            "metronome create_customer: our token is refused (status 403)",
        ),
        (
            answer(refusal("InternalError"), 500, Idempotent_Replayed="true"),
            StoredFailure,
            "metronome create_customer: no answer (status 500)",
        ),
        (
            Answer(200, b"<html>", {"Idempotent-Replayed": "true"}),
            StoredFailure,
            "metronome create_customer: unreadable answer: the body is not JSON (status 200)",
        ),
    ],
)
async def test_these_answers_are_final(told: Answer, expected: type[ProviderError], sentence: str) -> None:
    remote, pauses = MetronomeRemote(told), Pauses()

    async with client_of(remote, pauses) as client:
        with pytest.raises(ProviderError) as caught:
            await create(client)

    assert (type(caught.value), str(caught.value)) == (expected, sentence)
    assert (len(remote.seen), pauses.seconds) == (1, [])


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (answer(refusal("InternalError"), 500), "no answer (status 500)"),
        (answer({}, 503), "no answer (status 503)"),
        (answer(refusal("RateLimited"), 429), "no answer (status 429)"),
        (answer(refusal("IdempotencyKeyInUse"), 409), "the same call is still being worked on (status 409)"),
        (answer({}, 302, location="http://elsewhere/"), "no answer (status 302)"),
        (HTML, "unreadable answer: the body is not JSON (status 200)"),
        (Answer(502, HTML.body), "unreadable answer: the body is not JSON (status 502)"),
        (Answer(404, HTML.body), "unreadable answer: the body is not JSON (status 404)"),
        (Answer(200, b""), "unreadable answer: the body is not JSON (status 200)"),
        (Answer(200, b"\xff"), "unreadable answer: the body is not JSON (status 200)"),
        (Answer(200, b"[" * 100_000), "unreadable answer: the body is not JSON (status 200)"),
        (Answer(200, b"[]"), "unreadable answer: the body is not an object (status 200)"),
        (answer({"detail": "no such page"}, 404), "unreadable refusal: code is not text (status 404)"),
        (answer({**CUSTOMER, "id": None}), "unreadable answer: id is not text (status 200)"),
        (answer({**CUSTOMER, "created_at": "today"}), "unreadable answer: created_at is not a time (status 200)"),
        (
            answer({**CUSTOMER, "created_at": "2026-03-01T12:00:00"}),
            "unreadable answer: created_at is not a time with an offset (status 200)",
        ),
        (
            answer({**CUSTOMER, "entity_type": "robot"}),
            "unreadable answer: entity_type is not a value we know (status 200)",
        ),
        (
            answer({**CUSTOMER, "metadata": {"planted@example.com": 1}}),
            "unreadable answer: metadata is not an object of texts (status 200)",
        ),
        (Silence(), "timed out"),
    ],
)
async def test_these_answers_leave_the_outcome_unknown_and_are_asked_for_three_times(
    told: Answer | Silence, sentence: str
) -> None:
    remote = MetronomeRemote(told)

    async with client_of(remote, timeout_seconds=0.2 if isinstance(told, Silence) else 60) as client:
        with pytest.raises(Unavailable) as caught:
            await create(client)

    assert type(caught.value) is Unavailable
    assert str(caught.value) == f"metronome create_customer: {sentence}"
    assert len(remote.seen) == 3


async def test_every_attempt_carries_the_same_key_and_body() -> None:
    remote = MetronomeRemote(answer({}, 500), HTML, CREATED)

    async with client_of(remote) as client:
        customer = await create(client)

    assert customer.entity_id == "user-1"
    assert [seen.headers["idempotency-key"] for seen in remote.seen] == ["op:customer:1"] * 3
    assert len({seen.body for seen in remote.seen}) == 1


async def test_the_pauses_grow_and_are_jittered_from_zero() -> None:
    pauses = Pauses()
    async with client_of(MetronomeRemote(answer({}, 500)), pauses, random=lambda: 1.0) as client:
        with pytest.raises(Unavailable):
            await create(client)
    assert pauses.seconds == [0.25, 0.5]

    pauses = Pauses()
    async with client_of(MetronomeRemote(answer({}, 500)), pauses, random=lambda: 0.0) as client:
        with pytest.raises(Unavailable):
            await create(client)
    assert pauses.seconds == [0.0, 0.0]


async def test_a_retry_after_of_up_to_five_seconds_is_waited_for() -> None:
    pauses = Pauses()

    async with client_of(MetronomeRemote(answer({}, 429, Retry_After="5"), CREATED), pauses) as client:
        await create(client)

    assert pauses.seconds == [5.0]


async def test_a_longer_retry_after_is_left_to_the_caller() -> None:
    remote, pauses = MetronomeRemote(answer({}, 429, Retry_After="6"), CREATED), Pauses()

    async with client_of(remote, pauses) as client:
        with pytest.raises(Unavailable) as caught:
            await create(client)

    assert caught.value.retry_after_seconds == 6.0
    assert (len(remote.seen), pauses.seconds) == (1, [])


async def test_a_refused_token_is_replaced_once_and_the_call_sent_again() -> None:
    remote = MetronomeRemote(CREATED)

    async with client_of(remote) as client:
        await create(client)
        remote.revoke_tokens()
        await create(client)

    assert len(remote.token_requests) == 2
    assert [seen.headers["authorization"] for seen in remote.seen] == ["Bearer token-1", "Bearer token-2"]


async def test_fifty_calls_with_a_refused_token_cause_one_token_request() -> None:
    remote = MetronomeRemote(CREATED)

    async with client_of(remote) as client:
        await create(client)
        remote.revoke_tokens()
        await asyncio.gather(*(create(client) for _ in range(50)))

    assert len(remote.token_requests) == 2
    assert len(remote.seen) == 51


async def test_a_token_refused_even_when_fresh_means_our_credentials_are() -> None:
    remote = MetronomeRemote(answer(refusal("Unauthorized"), 401))

    async with client_of(remote) as client:
        with pytest.raises(CredentialsRefused, match=r"our token is refused \(status 401\)"):
            await client.ping()

    assert len(remote.seen) == 2


async def test_a_ping_with_a_wrong_client_secret_is_refused_without_asking_twice() -> None:
    remote = MetronomeRemote(CREATED)
    remote.token_answer = answer({"error": "invalid_client"}, 401)

    async with client_of(remote) as client:
        with pytest.raises(CredentialsRefused, match="our OAuth client is refused"):
            await client.ping()

    assert (len(remote.token_requests), remote.seen) == (1, [])


async def test_a_token_server_that_is_down_is_asked_as_often_as_any_other() -> None:
    remote = MetronomeRemote(CREATED)
    remote.token_answer = answer({}, 503)

    async with client_of(remote) as client:
        with pytest.raises(Unavailable, match="fetch_token"):
            await create(client)

    assert (len(remote.token_requests), remote.seen) == (3, [])


async def test_a_server_that_is_not_there_or_hangs_up_is_not_reached() -> None:
    async with hanging_up() as url:
        for base_url in ("http://127.0.0.1:1", url):
            async with provider_http_client(base_url) as http:
                tokens = TokenSource(http, CREDENTIALS, ManualClock())
                client = MetronomeClient(http, tokens, retries=Retries(sleep=Pauses()))
                with pytest.raises(Unavailable, match="metronome fetch_token: not reached"):
                    await create(client)


async def test_the_providers_sentence_is_kept_but_never_shown() -> None:
    async with client_of(MetronomeRemote(answer(refusal("InvalidRequest", "email"), 400))) as client:
        with pytest.raises(Rejected) as caught:
            await create(client)

    assert caught.value.message == "planted@example.com is not welcome"
    assert "planted" not in str(caught.value) + repr(caught.value) + repr(caught.value.args)
