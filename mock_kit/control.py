"""The routes under /_mock/: what a test or a person may look at and change. JSON, no authentication."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

from mock_kit.clock import Clock, ClockError
from mock_kit.courier import Attempt, Delivery, Endpoint
from mock_kit.faults import Fault, Faults, Kind
from mock_kit.fields import FieldError, Fields
from mock_kit.idempotency import Idempotency
from mock_kit.ids import Ids
from mock_kit.journal import Journal
from mock_kit.messages import Answer, BodyError, Request, json_answer, read_json
from mock_kit.moments import format_moment
from mock_kit.routes import Match, Routes
from mock_kit.webhooks import Order, Webhooks

if TYPE_CHECKING:
    from mock_kit.sandbox import Provider

ControlHandler = Callable[[Fields], Mapping[str, object]]
"""Reads its fields, acts, answers. It may raise FieldError (400), LookupError (404) or ConflictError (409)."""

ControlRoute = Callable[[Fields, Mapping[str, str]], Mapping[str, object] | Awaitable[Mapping[str, object]]]
ROUTES = (
    "POST /_mock/reset",
    "GET /_mock/state",
    "GET|POST /_mock/clock",
    "GET|POST|DELETE /_mock/faults",
    "DELETE /_mock/faults/{id}",
    "GET /_mock/webhooks",
    "POST /_mock/webhooks/endpoints",
    "DELETE /_mock/webhooks/endpoints/{id}",
    "POST /_mock/webhooks/{hold,release,duplicate,resend,drain}",
)
LONGEST_DRAIN_MS = 60_000


class ConflictError(Exception):
    """What was asked for is well-formed and cannot be done now; the text says why."""


class Control:
    def __init__(
        self,
        *,
        provider: "Provider",
        clock: Clock,
        webhooks: Webhooks,
        idempotency: Idempotency,
        journal: Journal,
        faults: Faults,
        ids: Ids,
        extra: Mapping[tuple[str, str], ControlHandler],
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._webhooks = webhooks
        self._idempotency = idempotency
        self._journal = journal
        self._faults = faults
        self._ids = ids
        self._routes = self._table(extra)

    async def __call__(self, request: Request) -> Answer:
        match self._routes.find(request.method, request.path):
            case Match(handler=route, names=names):
                return await _run(route, request, names)
            case None:
                return _refusal(404, f"No control route {request.path}; there are: {', '.join(ROUTES)}.")
            case wrong:
                return _refusal(405, f"Only {', '.join(wrong.allowed)} here.").with_headers(
                    ("allow", ", ".join(wrong.allowed))
                )

    def _table(self, extra: Mapping[tuple[str, str], ControlHandler]) -> Routes[ControlRoute]:
        routes: Routes[ControlRoute] = Routes()
        routes.add("POST", "/_mock/reset", self._reset)
        routes.add("GET", "/_mock/state", self._state)
        routes.add("GET", "/_mock/clock", self._show_clock)
        routes.add("POST", "/_mock/clock", self._move_clock)
        routes.add("GET", "/_mock/faults", self._show_faults)
        routes.add("POST", "/_mock/faults", self._add_fault)
        routes.add("DELETE", "/_mock/faults", self._clear_faults)
        routes.add("DELETE", "/_mock/faults/{id}", self._remove_fault)
        routes.add("GET", "/_mock/webhooks", self._show_webhooks)
        routes.add("POST", "/_mock/webhooks/endpoints", self._add_endpoint)
        routes.add("DELETE", "/_mock/webhooks/endpoints/{id}", self._remove_endpoint)
        routes.add("POST", "/_mock/webhooks/hold", self._hold)
        routes.add("POST", "/_mock/webhooks/release", self._release)
        routes.add("POST", "/_mock/webhooks/duplicate", self._duplicate)
        routes.add("POST", "/_mock/webhooks/resend", self._resend)
        routes.add("POST", "/_mock/webhooks/drain", self._drain)
        for (method, path), handler in extra.items():
            routes.add(method, path, _without_names(handler))
        return routes

    def _reset(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        endpoints = fields.flag("webhooks", default=False)
        fields.finish()
        self._provider.reset()
        self._clock.reset()
        self._faults.clear()
        self._idempotency.clear()
        self._journal.clear()
        self._webhooks.clear(endpoints=endpoints)
        return {"reset": True}

    def _state(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        requests = fields.optional_choice("requests", ("true", "false"))
        since = fields.optional_text("since", longest=12) or "0"
        digest = fields.optional_choice("digest", ("true", "false"))
        fields.finish()
        if not since.isdecimal():
            raise fields.invalid("since", "must be a sequence number")
        return {
            "requests": [] if requests == "false" else self._journal.report(since_seq=int(since)),
            "requests_dropped": self._journal.dropped,
            "objects": dict(self._provider.counts()),
            **({"digest": self._digest()} if digest == "true" else {}),
            "deliveries": [_attempt(attempt) for attempt in self._webhooks.log],
        }

    def _digest(self) -> str:
        """Two that are equal: no object has changed in between."""
        return hashlib.sha256(repr(self._provider.objects()).encode("utf-8", "backslashreplace")).hexdigest()

    # Clock

    def _show_clock(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        return {
            "now": format_moment(self._clock.now()),
            "offset_seconds": round(self._clock.offset.total_seconds()),
            "frozen": self._clock.frozen,
        }

    def _move_clock(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        seconds = fields.optional_integer("advance_seconds", least=0, most=10**9)
        moment = fields.optional_moment("advance_to")
        frozen = fields.optional_flag("frozen")
        fields.finish()
        if (seconds, moment, frozen).count(None) == 3:
            raise FieldError(None, "One of advance_seconds, advance_to, frozen is required.")
        self._move(seconds=seconds, moment=moment, frozen=frozen)
        self._provider.catch_up()
        return self._show_clock(fields, names)

    def _move(self, *, seconds: int | None, moment: datetime | None, frozen: bool | None) -> None:
        was_frozen = self._clock.frozen
        stays_frozen = was_frozen if frozen is None else frozen
        self._clock.freeze()  # so that an instant asked for is met exactly
        try:
            if seconds is not None:
                self._clock.advance(timedelta(seconds=seconds))
            if moment is not None:
                self._clock.advance_to(moment)
        except ClockError as refusal:
            stays_frozen = was_frozen
            raise FieldError("advance_seconds" if moment is None else "advance_to", str(refusal)) from None
        finally:
            if not stays_frozen:
                self._clock.unfreeze()

    # Faults

    def _show_faults(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        return {"data": self._faults.report()}

    def _add_fault(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        fault = _read_fault(fields, fault_id=self._ids.uuid())
        if self._faults.full:
            raise ConflictError("There are too many faults; DELETE /_mock/faults first.")
        self._faults.add(fault)
        return fault.report()

    def _clear_faults(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        self._faults.clear()
        return {"data": []}

    def _remove_fault(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        if not self._faults.remove(names["id"]):
            raise LookupError("No such fault.")
        return {"id": names["id"], "deleted": True}

    # Webhooks

    def _show_webhooks(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        return {
            "endpoints": [_endpoint(endpoint) for endpoint in self._webhooks.endpoints],
            "holding": self._webhooks.holding,
            "held": [_delivery(delivery) for delivery in self._webhooks.held],
            "pending": [_delivery(delivery) for delivery in self._webhooks.pending],
            "dropped": self._webhooks.dropped,
        }

    def _add_endpoint(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        url = fields.text("url", longest=2000)
        secret = fields.text("secret")
        fields.finish()
        if not url.startswith(("http://", "https://")):
            raise fields.invalid("url", "must start with http:// or https://")
        if self._webhooks.full:
            raise ConflictError("There are too many endpoints.")
        return _endpoint(self._webhooks.add_endpoint(url=url, secrets=(secret,)))

    def _remove_endpoint(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        if not self._webhooks.remove_endpoint(names["id"]):
            raise LookupError("No such endpoint.")
        return {"id": names["id"], "deleted": True}

    def _hold(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        fields.finish()
        self._webhooks.hold()
        return {"holding": True, "held": len(self._webhooks.held)}

    def _release(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        chosen = fields.optional_choice("order", get_args(Order)) or "kept"
        seed = fields.optional_integer("seed") or 0
        fields.finish()
        order: Order = "reversed" if chosen == "reversed" else "shuffled" if chosen == "shuffled" else "kept"
        return {"holding": False, "released": self._webhooks.release(order=order, seed=seed)}

    def _duplicate(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        times = fields.optional_integer("times", least=1, most=100) or 2
        following = fields.optional_integer("next", least=1, most=10_000) or 1
        fields.finish()
        self._webhooks.duplicate(times=times, following=following)
        return {"times": times, "next": following}

    def _resend(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        event_id = fields.text("event_id")
        fields.finish()
        if not self._webhooks.resend(event_id):
            raise LookupError(f"No event {event_id} is remembered.")
        return {"event_id": event_id, "resent": True}

    async def _drain(self, fields: Fields, names: Mapping[str, str]) -> Mapping[str, object]:
        timeout_ms = fields.optional_integer("timeout_ms", least=0, most=LONGEST_DRAIN_MS)
        fields.finish()
        drained = await self._webhooks.drain(timeout_seconds=(10_000 if timeout_ms is None else timeout_ms) / 1000)
        log = self._webhooks.log
        succeeded = sum(attempt.succeeded for attempt in log)
        return {
            "drained": drained,
            "delivered": succeeded,
            "failed": len(log) - succeeded,
            "pending": len(self._webhooks.pending),
            "held": len(self._webhooks.held),
        }


def _without_names(handler: ControlHandler) -> ControlRoute:
    return lambda fields, names: handler(fields)


async def _run(route: ControlRoute, request: Request, names: Mapping[str, str]) -> Answer:
    try:
        outcome = route(Fields(_content(request)), names)
        return json_answer(200, await outcome if isinstance(outcome, Awaitable) else outcome)
    except (FieldError, BodyError) as error:
        return _refusal(400, str(error), field=getattr(error, "field", None))
    except LookupError as error:
        return _refusal(404, str(error.args[0]))
    except ConflictError as error:
        return _refusal(409, str(error))


def _content(request: Request) -> object:
    """A GET is asked with its query, the rest with a JSON body that may be absent."""
    if request.method == "GET":
        return dict(request.params)
    return read_json(request.body) if request.body else {}


def _refusal(status: int, message: str, *, field: str | None = None) -> Answer:
    return json_answer(status, {"message": message, "field": field})


def _read_fault(fields: Fields, *, fault_id: str) -> Fault:
    kind = Kind(fields.choice("kind", [kind.value for kind in Kind]))
    pattern = fields.optional_pattern("path")
    delay_ms = fields.optional_integer("delay_ms", least=0, most=600_000)
    times = fields.optional_integer("times", least=1)
    headers = fields.optional_texts("headers")
    method = fields.optional_text("method", longest=10)
    fault = Fault(
        id=fault_id,
        kind=kind,
        path=pattern or re.compile(""),
        method=method.upper() if method else None,
        status=fields.optional_integer("status", least=200, most=599),
        headers={name: value for name, value in headers.items() if value is not None},
        delay_seconds=None if delay_ms is None else delay_ms / 1000,
        times=None if "times" in fields and times is None else times or 1,
        skip=fields.optional_integer("skip", least=0) or 0,
        stored=fields.flag("stored", default=False),
    )
    fields.finish()
    if fault.stored and not kind.answers:
        raise fields.invalid("stored", f"needs a kind that answers, which {kind.value} does not")
    return fault


def _endpoint(endpoint: Endpoint) -> dict[str, object]:
    """Without its secrets."""
    return {"id": endpoint.id, "url": endpoint.url, "types": None if endpoint.types is None else sorted(endpoint.types)}


def _delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "event_id": delivery.event.id,
        "type": delivery.event.type,
        "endpoint": delivery.endpoint_id,
        "attempt": delivery.attempt,
    }


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        **_delivery(attempt.delivery),
        "status": attempt.status,
        "error": attempt.error,
        "at": format_moment(attempt.at),
    }
