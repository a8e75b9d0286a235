"""Who we are to Metronome: an OAuth client, from settings or from a credentials file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import SecretStr

_KEYS = ("client_id", "client_secret", "token_url", "scope")


class UnusableCredentials(ValueError):  # noqa: N818  named by what happened
    """One line for the operator: which file or setting, and what is wrong with it. Never quotes a value."""


@dataclass(frozen=True, slots=True)
class OAuthCredentials:
    client_id: str
    client_secret: SecretStr
    token_url: str
    scope: str

    def __post_init__(self) -> None:
        for key in _KEYS:
            if not getattr(self, key):
                raise UnusableCredentials(f"the OAuth credentials have an empty {key}")

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """JSON with the text keys client_id, client_secret, token_url and scope."""
        content = _json_object(path)
        if content.get("type") == "service_account":
            raise UnusableCredentials(
                f"{path} is a service-account file; Metronome needs an OAuth client:"
                ' {"client_id": ..., "client_secret": ..., "token_url": ..., "scope": ...}'
            )
        client_id, client_secret, token_url, scope = (_text(content, key, path) for key in _KEYS)
        return cls(client_id=client_id, client_secret=SecretStr(client_secret), token_url=token_url, scope=scope)


def _json_object(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes().decode())
    except OSError as error:
        raise UnusableCredentials(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        # the parser's complaint carries the document, and with it the secret
        raise UnusableCredentials(f"{path} is not JSON") from None
    if not isinstance(content, dict):
        raise UnusableCredentials(f"{path} is not a JSON object")
    return content


def _text(content: dict[str, object], key: str, path: Path) -> str:
    value = content.get(key)
    if not isinstance(value, str) or not value:
        raise UnusableCredentials(f"{path} lacks {key}, which must be a text")
    return value
