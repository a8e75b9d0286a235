"""How long a body may take to come, on the whole application: time leaps, so nobody waits for it."""

import asyncio
import json
from itertools import chain, repeat
from pathlib import Path

import pytest
from starlette.types import Message

from app.main import create_app
from tests.service import settings_for
from tests.webhooks.leaping import run_leaping

PART: Message = {"type": "http.request", "body": b" ", "more_body": True}
LAST: Message = {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("path", "seconds"), [("/webhooks/stripe", 5), ("/webhooks/metronome", 5), ("/api/onboard", 10)], ids=str
)
def test_a_body_that_drips_is_refused_when_its_time_is_over(tmp_path: Path, path: str, seconds: int) -> None:
    status, code, taken = run_leaping(dripped(tmp_path, path, parts=100))

    assert (status, code) == (408, "BODY_TOO_SLOW")
    assert taken == pytest.approx(seconds, abs=0.5)


def test_a_body_that_is_complete_in_time_is_looked_at(tmp_path: Path) -> None:
    status, code, taken = run_leaping(dripped(tmp_path, "/webhooks/stripe", parts=4))

    assert (status, code) == (400, "BAD_SIGNATURE")
    assert taken == pytest.approx(4, abs=0.5)


async def dripped(folder: Path, path: str, *, parts: int) -> tuple[int, str, float]:
    """Status, code and seconds of the answer to a body of which a part comes every second."""
    times = {"request_timeout_seconds": 10, "operation_wait_seconds": 5}
    app = create_app(settings_for(f"sqlite://{folder}/never_opened.sqlite", folder, **times))
    coming, sent = chain(repeat(PART, parts), [LAST]), list[Message]()
    began = asyncio.get_running_loop().time()

    async def receive() -> Message:
        part = next(coming)
        await asyncio.sleep(1 if part is PART else 0)  # the sender's slowness, on a clock that leaps
        return part

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"stripe-signature", b"none")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)["error"]["code"], asyncio.get_running_loop().time() - began
