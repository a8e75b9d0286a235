"""What must never be in a log, whoever wrote the line: secrets and personal data."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from app.settings import Settings

HIDDEN = "[redacted]"
SHORTEST_SECRET = 6
"""A shorter one is nobody's secret, and hiding it would hide half of every line."""

_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_PATTERNS = re.compile(
    r"""\b(?:sk|rk|whsec|bk)_[A-Za-z0-9_]+            # keys of Stripe's and of ours, webhook secrets
      | \b(?:pi|seti)_\w+_secret_\w+                  # what lets a browser confirm a payment
      | (?<=\bBearer\s)[A-Za-z0-9._~+/=-]+ | (?<=\bBasic\s)[A-Za-z0-9+/=]+
      | \beyJ[\w-]+\.[\w-]+\.[\w-]*                   # signed tokens
      | [\w.+%'-]+@[\w-]+(?:\.[\w-]+)+                # addresses
    """,
    re.VERBOSE,
)
_NAMES = frozenset({"authorization", "client_secret", "cookie", "email", "password", "payload", "token"})


class Redaction:
    """A structlog processor, after exceptions were made text and before the line is."""

    def __init__(self, secrets: Sequence[str]) -> None:
        known = sorted({each for each in secrets if len(each) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: object, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
        return {name: HIDDEN if name.lower() in _NAMES else self.of(value) for name, value in event.items()}

    def of(self, value: object) -> object:
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return self(None, "", {str(name): each for name, each in value.items()})
            case list() | tuple() | set() | frozenset():
                return [self.of(each) for each in value]
            case _:
                return self.text(str(value))

    def text(self, text: str) -> str:
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return _PATTERNS.sub(HIDDEN, _CREDENTIALS_IN_URL.sub(f"{HIDDEN}@", text))


def secrets_of(settings: Settings) -> list[str]:
    """Those that no pattern would recognise among them."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    secrets = [part for each in values if isinstance(each, SecretStr) for part in each.get_secret_value().split(",")]
    password = urlsplit(settings.database_url).password
    return [*(each.strip() for each in secrets), unquote(password or "")]
