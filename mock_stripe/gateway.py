"""From HTTP request to handler and back: keys, versions, parameters, rendering, errors."""

from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Mapping, Sequence
from dataclasses import replace

import stripe

from mock_kit.front_page import front_page
from mock_kit.idempotency import Policy
from mock_kit.messages import Answer, Request, json_answer
from mock_kit.moments import format_moment
from mock_stripe.account import Account, AccountState, Cause
from mock_stripe.call import Call
from mock_stripe.encoding import decode_form
from mock_stripe.errors import (
    IdempotencyInFlightError,
    IdempotencyMismatchError,
    ParameterError,
    StripeError,
    UnauthorizedError,
)
from mock_stripe.expand import check_paths, render
from mock_stripe.params import Params, check
from mock_stripe.routes import NOT_SIMULATED, build_routes, find_route

OPEN = frozenset({"/", "/health"})
"""What answers without a key."""

FORM = "application/x-www-form-urlencoded"
_CODES = {409: "lock_timeout", 429: "rate_limit"}


class Gateway:
    """The provider that mock_kit makes an application of."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._routes = build_routes()

    def admit(self, request: Request) -> Answer | None:
        if request.path in OPEN:
            return None
        try:
            check_key(request)
            check_version(request)
        except StripeError as error:
            return self._error(request, error, request_id=self._new_request_id())
        return None

    def handle(self, request: Request) -> Answer:
        if request.path == "/health":
            return json_answer(200, {"status": "ok", "time": format_moment(self._account.clock.now())})
        if (request.method, request.path) == ("GET", "/"):
            return self._front_page()
        request_id = self._new_request_id()
        self._account.cause = Cause(request_id, request.idempotency_key)
        try:
            return self._answer(request, 200, self._run(request), request_id=request_id)
        except StripeError as error:
            return self._error(request, error, request_id=request_id)
        finally:
            self._account.catch_up()

    def refuse(self, status: int, message: str) -> Answer:
        code = _CODES.get(status)
        kind = "api_error" if status >= 500 else "invalid_request_error"
        error = {"message": message, "type": kind} | ({"code": code} if code else {})
        return json_answer(status, {"error": error}).with_headers(("request-id", self._new_request_id()))

    def catch_up(self) -> bool:
        return self._account.catch_up()

    def counts(self) -> Mapping[str, int]:
        return self._account.store.counts()

    def objects(self) -> Mapping[str, Sequence[object]]:
        return self._account.store.objects()

    def reset(self) -> None:
        self._account.clear()

    def state(self) -> AccountState:
        return self._account.state

    def restore(self, state: object) -> None:
        assert isinstance(state, AccountState)
        self._account.restore(state)

    def idempotency_policy(self) -> Policy:
        return Policy(
            applies=lambda request: request.method == "POST" and request.path.startswith("/v1/"),
            scope=lambda request: secret_key(request) or "",
            mismatch=lambda request: self._key_error(request, IdempotencyMismatchError(request.idempotency_key or "")),
            in_flight=lambda request: self._key_error(request, IdempotencyInFlightError(request.idempotency_key or "")),
            too_long=lambda request: self._key_error(
                request, ParameterError("Idempotency keys can have up to 255 characters.")
            ),
            replay=self._replay,
        )

    def _front_page(self) -> Answer:
        customers = reversed(list(self._account.store.customers))
        return front_page(
            "mock_stripe",
            about=f"A sandbox of Stripe's API, version {stripe.api_version}. Keys start with sk_test_ or rk_test_.",
            clock=self._account.clock,
            counts=self.counts(),
            customers=(
                (customer["name"] or "", customer["metadata"].get("entity_id", ""), customer["id"])
                for customer in customers
            ),
            routes=["POST /_mock/authenticate", "POST /_mock/webhooks/roll"],
        )

    def _run(self, request: Request) -> Mapping[str, object]:
        found = find_route(self._routes, request.method, request.path)
        route = found.handler
        params = check(route.parameters, decode_form(_encoded(request)))
        _refuse_unsimulated(params)
        paths = params.texts("expand")
        check_paths(route.kind, paths, in_list=route.lists)
        if request.method == "POST":
            self._account.store.refuse_when_full(most=self._account.most_objects)
        call = Call(params, path=request.path, id=found.names.get("id", ""))
        return render(self._account.store, route.handler(self._account, call), paths)

    def _answer(self, request: Request, status: int, content: Mapping[str, object], *, request_id: str) -> Answer:
        key = request.idempotency_key if request.method == "POST" else None
        echoed = (("idempotency-key", key), ("original-request", request_id)) if key else ()
        return json_answer(status, content).with_headers(
            ("request-id", request_id), ("stripe-version", stripe.api_version), *echoed
        )

    def _error(self, request: Request, error: StripeError, *, request_id: str) -> Answer:
        body = error.body(request_id=request_id)
        answer = self._answer(request, error.status, body, request_id=request_id)
        return replace(answer, keep=error.stored)

    def _key_error(self, request: Request, error: StripeError) -> Answer:
        return self._error(request, error, request_id=self._new_request_id())

    def _replay(self, request: Request, stored: Answer) -> Answer:
        """The same status and body; a request id of its own."""
        others = tuple(header for header in stored.headers if header[0] != "request-id")
        first = next((value for name, value in stored.headers if name == "request-id"), "")
        headers = dict(others) | {
            "request-id": self._new_request_id(),
            "original-request": first,
            "idempotent-replayed": "true",
        }
        return Answer(stored.status, stored.body, tuple(headers.items()))

    def _new_request_id(self) -> str:
        return f"req_{self._account.ids.token(14)}"


def secret_key(request: Request) -> str | None:
    """From `Bearer sk_test_...`, or from HTTP Basic, where the key is the user name."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials, validate=True).decode().partition(":")[0] or None
        except (NotBase64Error, UnicodeDecodeError):
            return None
    return None


def check_key(request: Request) -> None:
    key = secret_key(request)
    if key is None:
        raise UnauthorizedError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
    if not key.startswith(("sk_test_", "rk_test_")):
        raise UnauthorizedError(f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:] if len(key) > 16 else ''}")


def check_version(request: Request) -> None:
    """Another version would get objects of another shape; this sandbox has only the one of its SDK."""
    version = request.headers.get("stripe-version", stripe.api_version)
    if version != stripe.api_version:
        raise ParameterError(f"Invalid Stripe API version: {version}. This sandbox speaks {stripe.api_version}.")


def _encoded(request: Request) -> str:
    if request.method != "POST":
        return request.query
    if request.body and request.media_type != FORM:
        raise ParameterError(f"Invalid request content type: {request.media_type}. Send {FORM}.")
    body = request.body.decode("utf-8", errors="replace")
    return f"{request.query}&{body}" if request.query and body else request.query or body


def _refuse_unsimulated(params: Params) -> None:
    for name in sorted(params.values.keys() & NOT_SIMULATED):
        raise ParameterError(f"This sandbox does not simulate the parameter `{name}`.", param=name)
