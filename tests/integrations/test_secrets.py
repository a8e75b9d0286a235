"""Secrets and people planted in everything sent and answered: none may come out in a log, a repr or a traceback."""

import logging
import traceback
from collections.abc import Awaitable, Callable

import pytest

from integrations.errors import ProviderError
from integrations.metronome.client import MetronomeClient
from integrations.metronome.oauth import TokenSource
from integrations.metronome.retries import Retries
from integrations.stripe.client import StripePayments
from tests.integrations import test_metronome_exchange, test_stripe_exchange
from tests.integrations.metronome_bodies import CUSTOMER
from tests.integrations.metronome_bodies import refusal as metronome_refusal
from tests.integrations.remote import Answer, ManualClock, MetronomeRemote, Pauses, Remote, Silence, answer, connected
from tests.integrations.stripe_bodies import DECLINE, DECLINED_INTENT, INTENT
from tests.integrations.stripe_bodies import refusal as stripe_refusal
from tests.integrations.test_oauth import CREDENTIALS
from tests.integrations.test_stripe_exchange import API_KEY

LEAKS = ["planted", "Planted", "token-1", "pi_1_secret"]
PAGE = Answer(502, b"<html>planted@example.com planted-secret</html>")


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The most talkative the service can be: DEBUG, but for the three loggers it must silence."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "stripe"):
        caplog.set_level(logging.WARNING, logger=name)
    return caplog


async def told_by(call: Callable[[], Awaitable[object]]) -> str:
    try:
        return repr(await call())
    except ProviderError as error:
        return "".join(traceback.format_exception(error)) + repr(error.__cause__)


@pytest.mark.parametrize(
    "told",
    [
        answer(CUSTOMER),
        answer({**CUSTOMER, "id": 7}),
        answer(metronome_refusal("UniquenessKeyUsed", "planted@example.com"), 409),
        answer(metronome_refusal("planted secret"), 400),
        answer(metronome_refusal("Unauthorized"), 401, X_Request_Id="planted@example.com"),
        PAGE,
        Silence(),
    ],
)
async def test_metronome_tells_no_secrets(told: Answer | Silence, everything_logged: pytest.LogCaptureFixture) -> None:
    async with connected(MetronomeRemote(told)) as http:
        tokens = TokenSource(http, CREDENTIALS, ManualClock())
        client = MetronomeClient(http, tokens, retries=Retries(sleep=Pauses()), timeout_seconds=0.05)
        text = await told_by(lambda: test_metronome_exchange.create(client))
        text += f"{client!r} {vars(client)} {tokens!r} {vars(tokens)}"

    assert [leak for leak in LEAKS if leak in text + everything_logged.text] == []


@pytest.mark.parametrize(
    "told",
    [
        answer(INTENT),
        answer({**INTENT, "amount": "planted"}),
        answer({"error": {**DECLINE, "payment_intent": DECLINED_INTENT}}, 402),
        answer(stripe_refusal("invalid_request_error", "planted@example.com", param="planted secret"), 400),
        answer(stripe_refusal("invalid_request_error"), 401, Request_Id="planted@example.com"),
        answer(stripe_refusal("api_error"), 500),
        PAGE,
        Silence(),
    ],
)
async def test_stripe_tells_no_secrets(told: Answer | Silence, everything_logged: pytest.LogCaptureFixture) -> None:
    async with connected(Remote(told)) as http:
        client = StripePayments(http, API_KEY, sleep=Pauses(), timeout_seconds=0.05)
        text = await told_by(lambda: test_stripe_exchange.pay(client))
        text += f"{client!r} {vars(client)}"

    assert [leak for leak in LEAKS if leak in text + everything_logged.text] == []
