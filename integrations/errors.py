"""What a call to a provider can end in, split by what the caller can do about it.

    ProviderError(provider, action)
    ├── Unavailable                 no usable answer; the call may have worked. Ask again with the SAME key.
    │   ├── CredentialsRefused      our own credentials are refused. Nothing happened; an operator must act.
    │   └── StoredFailure           the provider replays a failure it stored under this key, and always will.
    │                               Look up whether the call worked; only then try again, with a NEW persisted key.
    └── Rejected                    a definite no: nothing happened, and asking again changes nothing.
        ├── NotFound                the thing the call names does not exist.
        ├── Conflict                the uniqueness key or entity is taken (look it up and adopt it), or the
        │                           idempotency key was first used with another body (`idempotency_key_reused`).
        └── Declined                the card was refused. An attempt that was made: the next one needs a new key.

`str()` and `repr()` are for logs: they carry provider, action, status, codes and the provider's request id, never a
secret, an address or a body. The provider's own words, which may quote any of these, are only in `Rejected.message`.
"""

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from integrations.stripe.types import Decline, PaymentIntent

Provider = Literal["metronome", "stripe"]

_LOGGABLE = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,128}")


def loggable(token: str | None) -> str | None:
    """The token when it is a plain identifier; None when it could be anything else, such as an address or a body."""
    return token if token and _LOGGABLE.fullmatch(token) else None


class ProviderError(Exception):
    def __init__(self, provider: Provider, action: str, *, request_id: str | None = None) -> None:
        super().__init__(provider, action)
        self.provider = provider
        self.action = action
        self.request_id = loggable(request_id)

    def __str__(self) -> str:
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.provider} {self.action}: {self._outcome()}{request}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def _outcome(self) -> str:
        return "failed"


class Unavailable(ProviderError):  # noqa: N818  the whole tree is named by what happened
    """`reason` is our own sentence ("timed out"), never the provider's; `retry_after_seconds` is what it asked for."""

    def __init__(
        self,
        provider: Provider,
        action: str,
        *,
        reason: str,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(provider, action, request_id=request_id)
        self.reason = reason
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    def _outcome(self) -> str:
        return self.reason if self.status is None else f"{self.reason} (status {self.status})"


class CredentialsRefused(Unavailable):
    pass


class StoredFailure(Unavailable):
    pass


class Rejected(ProviderError):  # noqa: N818  the whole tree is named by what happened
    """`code` and `field` are the provider's names; `message` is its sentence and must not be logged."""

    def __init__(
        self,
        provider: Provider,
        action: str,
        *,
        code: str,
        message: str,
        status: int,
        field: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(provider, action, request_id=request_id)
        self.code = code
        self.message = message
        self.status = status
        self.field = field

    def _outcome(self) -> str:
        facts = [f"status {self.status}"]
        if field := loggable(self.field):
            facts.append(f"field {field}")
        return f"rejected as {loggable(self.code) or 'unnamed'} ({', '.join(facts)})"


class NotFound(Rejected):
    pass


class Conflict(Rejected):
    @property
    def idempotency_key_reused(self) -> bool:
        """True when the key was first sent with another body: a fault of ours, nothing to adopt."""
        return self.code in {"IdempotencyKeyReused", "idempotency_error"}


class Declined(Rejected):
    """`decline.message` may be shown to the payer; `payment_intent` is how it stands now."""

    def __init__(
        self,
        provider: Provider,
        action: str,
        *,
        decline: "Decline",
        payment_intent: "PaymentIntent | None",
        charge_id: str | None,
        status: int = 402,
        field: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(
            provider,
            action,
            code=decline.code,
            message=decline.message,
            status=status,
            field=field,
            request_id=request_id,
        )
        self.decline = decline
        self.payment_intent = payment_intent
        self.charge_id = charge_id

    @property
    def decline_code(self) -> str | None:
        return self.decline.decline_code

    @property
    def advice_code(self) -> str | None:
        return self.decline.advice_code

    def _outcome(self) -> str:
        return f"card declined: {loggable(self.code)}, decline code {loggable(self.decline_code)}"
