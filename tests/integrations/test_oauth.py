import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from integrations.errors import CredentialsRefused, ProviderError, Unavailable
from integrations.metronome.credentials import OAuthCredentials
from integrations.metronome.oauth import TokenSource
from tests.integrations.remote import HTML, Answer, ManualClock, MetronomeRemote, answer, connected

CREDENTIALS = OAuthCredentials(
    client_id="our-client",
    client_secret=SecretStr("planted-secret"),
    token_url="http://127.0.0.1:1/oauth/token",
    scope="billing:read billing:write",
)


@pytest.fixture
def remote() -> MetronomeRemote:
    return MetronomeRemote(Answer())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def http(remote: MetronomeRemote) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(remote) as client:
        yield client


@pytest.fixture
def tokens(http: httpx.AsyncClient, clock: ManualClock) -> TokenSource:
    return TokenSource(http, CREDENTIALS, clock)


async def test_a_token_is_asked_for_with_client_credentials(tokens: TokenSource, remote: MetronomeRemote) -> None:
    assert await tokens.token() == "token-1"

    assert remote.token_requests[0].body == (
        b"grant_type=client_credentials&client_id=our-client&client_secret=planted-secret"
        b"&scope=billing%3Aread+billing%3Awrite"
    )


async def test_fifty_concurrent_callers_share_one_token_request(tokens: TokenSource, remote: MetronomeRemote) -> None:
    assert await asyncio.gather(*(tokens.token() for _ in range(50))) == ["token-1"] * 50
    assert len(remote.token_requests) == 1


async def test_fifty_concurrent_callers_share_one_replacement_of_a_refused_token(
    tokens: TokenSource, remote: MetronomeRemote
) -> None:
    refused = await tokens.token()

    assert await asyncio.gather(*(tokens.replace(refused) for _ in range(50))) == ["token-2"] * 50
    assert len(remote.token_requests) == 2


async def test_a_caller_late_to_notice_the_refusal_gets_the_token_that_others_fetched(tokens: TokenSource) -> None:
    refused = await tokens.token()
    await tokens.replace(refused)

    assert await tokens.replace(refused) == "token-2"


async def test_a_token_is_kept_until_sixty_seconds_before_its_end(tokens: TokenSource, clock: ManualClock) -> None:
    await tokens.token()
    clock.advance(3539)
    assert await tokens.token() == "token-1"

    clock.advance(1)
    assert await tokens.token() == "token-2"


async def test_a_token_shorter_than_the_margin_is_still_used(
    tokens: TokenSource, remote: MetronomeRemote, clock: ManualClock
) -> None:
    remote.lifetime_seconds = 40
    await tokens.token()
    clock.advance(19)

    assert await tokens.token() == "token-1"


async def test_one_caller_giving_up_does_not_take_the_token_from_the_others(tokens: TokenSource) -> None:
    impatient, patient = asyncio.create_task(tokens.token()), asyncio.create_task(tokens.token())
    await asyncio.sleep(0)
    impatient.cancel()

    assert await patient == "token-1"


async def test_a_failure_is_shared_by_those_who_waited_and_forgotten_by_the_next(
    tokens: TokenSource, remote: MetronomeRemote
) -> None:
    remote.token_answer = Answer(503, b"{}", {"Retry-After": "7"})
    outcomes = await asyncio.gather(*(tokens.token() for _ in range(10)), return_exceptions=True)
    assert len(remote.token_requests) == 1
    assert {(type(each), getattr(each, "retry_after_seconds", None)) for each in outcomes} == {(Unavailable, 7.0)}

    remote.token_answer = None
    assert await tokens.token() == "token-2"


@pytest.mark.parametrize(
    ("told", "expected", "sentence"),
    [
        (
            answer({"error": "invalid_client", "error_description": "planted-secret"}, 401),
            CredentialsRefused,
            "metronome fetch_token: our OAuth client is refused (status 401)",
        ),
        (
            answer({"error": "invalid_scope"}, 400),
            CredentialsRefused,
            "metronome fetch_token: our OAuth client is refused (status 400)",
        ),
        (answer({}, 429), Unavailable, "metronome fetch_token: no token (status 429)"),
        (answer({}, 302, location="http://elsewhere/"), Unavailable, "metronome fetch_token: no token (status 302)"),
        (HTML, Unavailable, "metronome fetch_token: unreadable answer: the body is not JSON"),
        (
            answer({"access_token": "t", "token_type": "Bearer"}),
            Unavailable,
            "metronome fetch_token: unreadable answer: expires_in is not a whole number",
        ),
        (
            answer({"access_token": "t", "token_type": "Bearer", "expires_in": 0}),
            Unavailable,
            "metronome fetch_token: unreadable answer: expires_in is not positive",
        ),
        (
            answer({"access_token": "t", "token_type": "mac", "expires_in": 60}),
            Unavailable,
            "metronome fetch_token: unreadable answer: token_type is not a value we know",
        ),
        (
            answer({"access_token": "t\r\nX-Other: 1", "token_type": "Bearer", "expires_in": 60}),
            Unavailable,
            "metronome fetch_token: unreadable answer: access_token is not fit for a header",
        ),
    ],
)
async def test_every_other_answer_is_a_named_failure(
    tokens: TokenSource, remote: MetronomeRemote, told: Answer, expected: type[ProviderError], sentence: str
) -> None:
    remote.token_answer = told

    with pytest.raises(ProviderError) as caught:
        await tokens.token()

    assert type(caught.value) is expected
    assert str(caught.value) == sentence
