"""Client credentials for bearer tokens: RFC 6749 section 4.4 and 5.2, RFC 6750 section 3."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from mock_kit.clock import Clock
from mock_kit.ids import Ids
from mock_kit.messages import Answer, BodyError, Request, json_answer, read_form, read_json

READ, WRITE = "billing:read", "billing:write"
SCOPES = (READ, WRITE)
LIFETIME = timedelta(hours=1)
MOST_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Client:
    """The one client that may ask for tokens."""

    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"


@dataclass(frozen=True, slots=True)
class Token:
    expires_at: datetime
    scopes: frozenset[str]


class OAuthError(Exception):
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class Tokens:
    """Tokens live and die by the mock clock."""

    def __init__(self, *, client: Client, clock: Clock, ids: Ids) -> None:
        self._client = client
        self._clock = clock
        self._ids = ids
        self._tokens: dict[str, Token] = {}

    def issue(self, request: Request) -> Answer:
        try:
            return self._issue(request)
        except OAuthError as error:
            unknown_client = error.error == "invalid_client"
            headers = {"cache-control": "no-store"}
            if unknown_client:
                headers["www-authenticate"] = 'Basic realm="metronome sandbox"'
            body = {"error": error.error, "error_description": error.description}
            return json_answer(401 if unknown_client else 400, body, headers=headers)

    def scopes_of(self, request: Request) -> frozenset[str] | None:
        """None: no token, an unknown one, or one whose time is over."""
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(credential.strip()) if scheme.lower() == "bearer" else None
        if token is None or token.expires_at <= self._clock.now():
            return None
        return token.scopes

    @property
    def state(self) -> dict[str, Token]:
        return dict(self._tokens)

    def restore(self, tokens: dict[str, Token]) -> None:
        self._tokens = dict(tokens)

    def clear(self) -> None:
        self._tokens.clear()

    def _issue(self, request: Request) -> Answer:
        parameters = _parameters(request)
        if "grant_type" not in parameters:
            raise OAuthError("invalid_request", "grant_type is required.")
        self._authenticate(request, parameters)
        if parameters["grant_type"] != "client_credentials":
            raise OAuthError("unsupported_grant_type", "Only client_credentials is supported.")
        scopes = tuple(dict.fromkeys(parameters.get("scope", "").split())) or SCOPES
        if not set(scopes) <= set(SCOPES):
            raise OAuthError("invalid_scope", f"The scopes are: {' '.join(SCOPES)}.")
        body = {
            "access_token": self._grant(frozenset(scopes)),
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": " ".join(scopes),
        }
        return json_answer(200, body, headers={"cache-control": "no-store"})

    def _grant(self, scopes: frozenset[str]) -> str:
        while len(self._tokens) >= MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        token = self._ids.token(40)
        self._tokens[token] = Token(self._clock.now() + LIFETIME, scopes)
        return token

    def _authenticate(self, request: Request, parameters: Mapping[str, str]) -> None:
        header = request.headers.get("authorization")
        if header and "client_secret" in parameters:
            raise OAuthError("invalid_request", "The client authenticates in the header or in the body, not in both.")
        if header:
            client_id, client_secret = _basic(header)
        else:
            client_id, client_secret = parameters.get("client_id", ""), parameters.get("client_secret", "")
        known = _same(client_id, self._client.client_id) & _same(client_secret, self._client.client_secret)
        if not known:
            raise OAuthError("invalid_client", "Unknown client, or the wrong secret.")


def _parameters(request: Request) -> Mapping[str, str]:
    try:
        if request.media_type == "application/json":
            content = read_json(request.body)
        else:
            pairs = read_form(request.body)
            content = dict(pairs)
            if len(content) < len(pairs):
                raise OAuthError("invalid_request", "A parameter is repeated.")
    except BodyError as error:
        raise OAuthError("invalid_request", str(error)) from None
    if not isinstance(content, dict):
        raise OAuthError("invalid_request", "The body must be a JSON object.")
    parameters = {name: value for name, value in content.items() if isinstance(value, str)}
    if len(parameters) < len(content):
        raise OAuthError("invalid_request", "Every parameter must be a string.")
    return parameters


def _basic(header: str) -> tuple[str, str]:
    scheme, _, credential = header.partition(" ")
    try:
        decoded = base64.b64decode(credential.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    if scheme.lower() != "basic" or ":" not in decoded:
        raise OAuthError("invalid_client", "The Authorization header is not Basic client_id:client_secret.")
    client_id, _, client_secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(client_secret)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
