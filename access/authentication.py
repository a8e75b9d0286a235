"""From what was sent to who sent it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from access.callers import Caller, OwnCustomer, Whereabouts
from access.errors import NotAdmitted
from access.keys import caller_of_key
from access.sessions import NewSession, caller_of_session, open_session
from access.tokens import CustomerToken, TokenSigner, caller_of_token


@dataclass(frozen=True, slots=True)
class Bearer:
    """An API key or a customer token."""

    text: SecretStr


@dataclass(frozen=True, slots=True)
class Cookie:
    """A session's token."""

    text: SecretStr


Credential = Bearer | Cookie


@dataclass(frozen=True, slots=True)
class Authenticator:
    now: Callable[[], datetime]
    signer: TokenSigner
    live: bool = False
    """Whether keys are made for real money, which their prefix tells."""
    session_lifetime: timedelta = timedelta(hours=12)

    async def caller(self, credential: Credential, whereabouts: Whereabouts) -> Caller:
        """Raises `NotAdmitted`. Asked anew for every operation, and every event of a stream: nothing is remembered."""
        text, at = credential.text.get_secret_value(), self.now()
        if isinstance(credential, Cookie):
            return await caller_of_session(text, whereabouts, at=at)
        if text.startswith("bk_"):
            return await caller_of_key(text, whereabouts, at=at)
        return await caller_of_token(text, self.signer, whereabouts, at=at)

    async def sign_in(self, key: SecretStr, whereabouts: Whereabouts) -> tuple[Caller, NewSession]:
        """A session for whoever has this key. Raises `NotAdmitted`."""
        caller = await caller_of_key(key.get_secret_value(), whereabouts, at=self.now())
        if caller.key_id is None:
            raise NotAdmitted
        return caller, await self.open_session(caller.key_id)

    async def open_session(self, key_id: str) -> NewSession:
        return await open_session(key_id, lifetime=self.session_lifetime, at=self.now())

    def mint(self, minter: Caller, customer: OwnCustomer, *, lifetime: timedelta) -> CustomerToken:
        """Raises `InvalidInput`."""
        return self.signer.mint(minter, customer, lifetime=lifetime, at=self.now())
