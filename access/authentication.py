"""From what was sent to who sent it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import SecretStr

from access.callers import Caller, OwnCustomer, Whereabouts
from access.keys import caller_for, caller_of_key, is_good
from access.sessions import NewSession, caller_of_session, open_session
from access.tokens import CustomerToken, TokenSigner, caller_of_token
from models import ApiKey


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
        return caller, await open_session(caller, lifetime=self.session_lifetime, at=self.now())

    async def sign_in_to_sandbox(self, key_id: str, whereabouts: Whereabouts) -> NewSession | None:
        """With no key shown, the one that the sandbox was started with; None once that is good no more."""
        row = await ApiKey.get_or_none(id=key_id)
        if row is None or not is_good(row, self.now()):
            return None
        caller = caller_for(row, whereabouts)
        return await open_session(caller, lifetime=self.session_lifetime, at=self.now())

    def mint(self, minter: Caller, customer: OwnCustomer, *, lifetime: timedelta) -> CustomerToken:
        """Raises `InvalidInput`."""
        return self.signer.mint(minter, customer, lifetime=lifetime, at=self.now())
