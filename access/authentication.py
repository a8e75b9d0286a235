"""From what was sent to who sent it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from access.callers import Caller, OwnCustomer, Whereabouts
from access.keys import caller_of_key
from access.tokens import CustomerToken, TokenSigner, caller_of_token


@dataclass(frozen=True, slots=True)
class Bearer:
    """An API key or a customer token."""

    text: str

    def __repr__(self) -> str:
        return "Bearer(...)"


@dataclass(frozen=True, slots=True)
class Authenticator:
    now: Callable[[], datetime]
    signer: TokenSigner
    live: bool = False
    """Whether keys are made for real money, which their prefix tells."""

    async def caller(self, credential: Bearer, whereabouts: Whereabouts) -> Caller:
        """Raises `NotAdmitted`. Asked anew for every operation, and every event of a stream: nothing is remembered."""
        if credential.text.startswith("bk_"):
            return await caller_of_key(credential.text, whereabouts, at=self.now())
        return await caller_of_token(credential.text, self.signer, whereabouts, at=self.now())

    def mint(self, minter: Caller, customer: OwnCustomer, *, lifetime: timedelta) -> CustomerToken:
        """Raises `InvalidInput`."""
        return self.signer.mint(minter, customer, lifetime=lifetime, at=self.now())
