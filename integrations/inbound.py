"""What an inbound webhook is once verified, and the ways it can fail; both providers sign with HMAC-SHA256."""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from pydantic import SecretStr

from integrations.errors import Provider
from integrations.fields import Fields

TOLERANCE = timedelta(seconds=300)
LONGEST_HEADER = 4096

_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")

Headers = Iterable[tuple[bytes, bytes]]
"""As they came, duplicates included: Starlette's `request.headers.raw`."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The envelope of an authentic event. `customer_id` and `object_id` are the provider's, where it names them."""

    event_id: str
    type: str
    created: datetime
    customer_id: str | None
    object_id: str | None


class SignatureProblem(StrEnum):
    MISSING = "missing"
    REPEATED = "repeated"
    TOO_LONG = "too_long"
    NOT_ASCII = "not_ascii"
    MALFORMED = "malformed"
    MISMATCH = "mismatch"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"


class NoWebhookSecret(Exception):  # noqa: N818  named by what happened
    """Nothing can be verified, so nothing is accepted. An empty secret would verify what anyone can sign."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(f"no webhook secret is configured for {provider}")
        self.provider = provider


class BadSignature(Exception):  # noqa: N818  named by what happened
    def __init__(self, reason: SignatureProblem) -> None:
        super().__init__(f"the webhook's signature is refused: {reason}")
        self.reason = reason


class BadPayload(Exception):  # noqa: N818  named by what happened
    """Signed by the provider, and yet not an event for us. `reason` never quotes the body."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the webhook's body is refused: {reason}")
        self.reason = reason


def header_values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key.lower() == name]


def only_header(values: Sequence[bytes]) -> str:
    """The one value of a header that must come exactly once."""
    if not values:
        raise BadSignature(SignatureProblem.MISSING)
    if len(values) > 1:
        raise BadSignature(SignatureProblem.REPEATED)
    if len(values[0]) > LONGEST_HEADER:
        raise BadSignature(SignatureProblem.TOO_LONG)
    if not values[0].isascii():
        raise BadSignature(SignatureProblem.NOT_ASCII)
    return values[0].decode("ascii")


def usable_secrets(provider: Provider, secrets: Iterable[SecretStr]) -> list[bytes]:
    usable = [secret.get_secret_value().encode() for secret in secrets if secret.get_secret_value()]
    if not usable:
        raise NoWebhookSecret(provider)
    return usable


def check_signature(message: bytes, *, signatures: Sequence[str], secrets: Sequence[bytes]) -> None:
    """Some signature fits some secret. Every pair is compared, so the time taken tells nothing."""
    expected = [hmac.new(secret, message, sha256).hexdigest() for secret in secrets]
    fitting = [hmac.compare_digest(signature, digest) for signature in signatures for digest in expected]
    if not any(fitting):
        raise BadSignature(SignatureProblem.MISMATCH)


def read_event_id(event: Fields) -> str:
    event_id = event.text("id")
    if not _EVENT_ID.fullmatch(event_id):
        raise BadPayload("id is not an identifier")
    return event_id


def check_age(signed_at: datetime, now: datetime) -> None:
    if now - signed_at > TOLERANCE:
        raise BadSignature(SignatureProblem.TOO_OLD)
    if signed_at - now > TOLERANCE:
        raise BadSignature(SignatureProblem.IN_FUTURE)
