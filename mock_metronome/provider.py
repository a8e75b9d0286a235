"""The table of contents: every route, what admits a request to it, and how errors are told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mock_kit.fields import FieldError, Fields
from mock_kit.front_page import front_page
from mock_kit.messages import Answer, BodyError, Request, json_answer, read_json
from mock_kit.moments import format_moment
from mock_kit.routes import Match, Routes
from mock_metronome import contracts, credit_grants, customers, engine, events, invoices, listing, oauth
from mock_metronome.books import Books, BooksState
from mock_metronome.errors import ApiError, NotFound

Handler = Callable[[Books, Fields, Mapping[str, str]], dict[str, object]]

API = "/api/v1/"
CODES = {400: "InvalidRequest", 404: "NotFound", 409: "Conflict", 413: "TooLarge", 429: "RateLimited"}
NOT_KEPT = frozenset({400, 401, 403, 405, 413, 429})


@dataclass(frozen=True, slots=True)
class MetronomeState:
    books: BooksState
    tokens: dict[str, oauth.Token]


class Metronome:
    """A `mock_kit.sandbox.Provider`."""

    def __init__(self, *, books: Books, tokens: oauth.Tokens) -> None:
        self._books = books
        self._tokens = tokens
        self._routes = _table()

    def admit(self, request: Request) -> Answer | None:
        if not request.path.startswith(API):
            return None
        scopes = self._tokens.scopes_of(request)
        if scopes is None:
            headers = {"www-authenticate": 'Bearer error="invalid_token"'}
            return error_answer(401, "A valid bearer token is required.", headers=headers)
        needed = oauth.READ if request.method == "GET" else oauth.WRITE
        if needed in scopes:
            return None
        headers = {"www-authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'}
        return error_answer(403, f"The token lacks the scope {needed}.", headers=headers)

    def handle(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/":
                return self._front_page()
            case "GET", "/health":
                return json_answer(200, {"status": "ok", "time": format_moment(self._books.clock.now())})
            case "POST", "/oauth/token":
                return self._tokens.issue(request)
            case _:
                return self._call(request).with_headers(("x-request-id", f"req_{self._books.ids.token()}"))

    def refuse(self, status: int, message: str) -> Answer:
        return error_answer(status, message)

    def catch_up(self) -> bool:
        return engine.catch_up(self._books)

    def counts(self) -> Mapping[str, int]:
        return self._books.counts()

    def objects(self) -> Mapping[str, Sequence[object]]:
        return self._books.objects()

    def reset(self) -> None:
        self._books.clear()
        self._tokens.clear()

    def state(self) -> MetronomeState:
        return MetronomeState(books=self._books.state, tokens=self._tokens.state)

    def restore(self, state: object) -> None:
        assert isinstance(state, MetronomeState)
        self._books.restore(state.books)
        self._tokens.restore(state.tokens)

    def _call(self, request: Request) -> Answer:
        match self._routes.find(request.method, request.path):
            case Match(handler=handler, names=names):
                return self._run(handler, request, names)
            case None:
                return error_answer(404, f"There is no {request.path} here.")
            case wrong:
                allowed = ", ".join(wrong.allowed)
                return error_answer(405, f"Only {allowed} here.", headers={"allow": allowed})

    def _run(self, handler: Handler, request: Request, names: Mapping[str, str]) -> Answer:
        try:
            return json_answer(200, handler(self._books, Fields(_content(request)), names))
        except (FieldError, BodyError) as error:
            return error_answer(400, str(error), field=getattr(error, "field", None))
        except ApiError as error:
            return error_answer(error.status, error.message, code=error.code, field=error.field)

    def _front_page(self) -> Answer:
        customers = reversed(self._books.customers.values())
        return front_page(
            "mock_metronome",
            about="A sandbox of the Metronome billing engine. Its API is /api/v1/.",
            clock=self._books.clock,
            counts=self.counts(),
            customers=((customer.entity_id, customer.name, customer.id) for customer in customers),
            routes=["POST /_mock/usage"],
        )


def error_answer(
    status: int,
    message: str,
    *,
    code: str | None = None,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    if code is None:
        code = "Unauthorized" if status in (401, 403) else CODES.get(status, _general_code(status))
    body = {"message": message, "code": code, "field": field}
    return json_answer(status, body, headers=headers, keep=status not in NOT_KEPT)


def _general_code(status: int) -> str:
    return "InternalError" if status >= 500 else "InvalidRequest"


def _content(request: Request) -> object:
    if request.method == "GET":
        return dict(request.params)
    return read_json(request.body) if request.body else {}


def _list_events(books: Books, fields: Fields, names: Mapping[str, str]) -> dict[str, object]:
    limit, _ = listing.read_page(fields)
    after = fields.optional_text("after")
    kind = fields.optional_choice("type", events.TYPES)
    customer_id = fields.optional_text("customer_id")
    fields.finish()
    if after is not None and after not in books.events:
        raise NotFound("event", field="after")
    found = [
        event
        for event in books.events.after(after)
        if kind in (None, event.type) and customer_id in (None, event.customer_id)
    ]
    return {"data": [event.report() for event in found[:limit]], "total": len(found)}


def _table() -> Routes[Handler]:
    routes: Routes[Handler] = Routes()
    routes.add("POST", "/api/v1/customers", customers.create)
    routes.add("GET", "/api/v1/customers", customers.index)
    routes.add("GET", "/api/v1/customers/{id}", customers.show)
    routes.add("PATCH", "/api/v1/customers/{id}", customers.change)
    routes.add("POST", "/api/v1/contracts", contracts.create)
    routes.add("GET", "/api/v1/contracts", contracts.index)
    routes.add("GET", "/api/v1/contracts/{id}", contracts.show)
    routes.add("PATCH", "/api/v1/contracts/{id}", contracts.change)
    routes.add("POST", "/api/v1/contracts/{id}/cancel", contracts.cancel)
    routes.add("POST", "/api/v1/invoices", invoices.create)
    routes.add("GET", "/api/v1/invoices", invoices.index)
    routes.add("GET", "/api/v1/invoices/{id}", invoices.show)
    routes.add("POST", "/api/v1/invoices/{id}/pay", invoices.pay)
    routes.add("POST", "/api/v1/invoices/{id}/fail", invoices.fail)
    routes.add("POST", "/api/v1/invoices/{id}/finalize", invoices.finalize)
    routes.add("POST", "/api/v1/invoices/{id}/void", invoices.void)
    routes.add("POST", "/api/v1/invoices/{id}/uncollectible", invoices.uncollectible)
    routes.add("POST", "/api/v1/credits", credit_grants.create)
    routes.add("GET", "/api/v1/credits", credit_grants.index)
    routes.add("GET", "/api/v1/credits/balance", credit_grants.balance)
    routes.add("GET", "/api/v1/credits/{id}", credit_grants.show)
    routes.add("GET", "/api/v1/webhooks/events", _list_events)
    return routes
