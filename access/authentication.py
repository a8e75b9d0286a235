"""From what was sent to who sent it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from access.callers import Caller, Whereabouts
from access.errors import NotAdmitted
from access.keys import caller_of_key


@dataclass(frozen=True, slots=True)
class Bearer:
    """An API key or a customer token."""

    text: str

    def __repr__(self) -> str:
        return "Bearer(...)"


@dataclass(frozen=True, slots=True)
class Authenticator:
    now: Callable[[], datetime]
    live: bool = False
    """Whether keys are made for real money, which their prefix tells."""

    async def caller(self, credential: Bearer, whereabouts: Whereabouts) -> Caller:
        """Raises `NotAdmitted`. Asked anew for every operation, and every event of a stream: nothing is remembered."""
        if credential.text.startswith("bk_"):
            return await caller_of_key(credential.text, whereabouts, at=self.now())
        raise NotAdmitted
