import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import stripe
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass
class Receiver:
    """A webhook endpoint that keeps what it got, and answers as told."""

    got: list[tuple[bytes, str]] = field(default_factory=list)
    """Raw bodies and their signature headers."""
    _statuses: Iterator[int] = field(default_factory=lambda: repeat(200))

    def answer(self, *statuses: int) -> None:
        """These first, then 200."""
        self._statuses = chain(statuses, repeat(200))

    def types(self, *, secret: str = "whsec_1") -> list[str]:
        return [str(event["type"]) for event in self.events(secret=secret)]

    def ids(self) -> list[str]:
        return [str(event["id"]) for event in self.events()]

    def events(self, *, secret: str = "whsec_1") -> list[dict[str, Any]]:
        """Verified by the SDK, without its age check: the sandbox has a clock of its own."""
        for body, header in self.got:
            stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance=0)
        return [json.loads(body) for body, _ in self.got]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.got.append((await request.body(), request.headers["stripe-signature"]))
        await Response(status_code=next(self._statuses))(scope, receive, send)
