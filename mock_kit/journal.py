"""What was asked of the sandbox, in order, up to a bound."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mock_kit.messages import Answer, BodyError, Request, read_form, read_json
from mock_kit.moments import format_moment

LONGEST_BODY_BYTES = 16 * 1024
HIDDEN = "[hidden]"
REQUEST_ID_HEADERS = ("request-id", "x-request-id")


@dataclass(slots=True)
class Entry:
    """`status` and `request_id` stay None while the request runs, and for ever when no answer was sent."""

    seq: int
    at: datetime
    request: Request
    status: int | None = None
    replayed: bool = False
    fault: str | None = None
    request_id: str | None = None

    def answered(self, answer: Answer) -> None:
        self.status = answer.status
        self.request_id = next((value for name, value in answer.headers if name in REQUEST_ID_HEADERS), None)


class Journal:
    def __init__(self, *, capacity: int = 10_000, hidden_fields: frozenset[str] = frozenset()) -> None:
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._hidden_fields = hidden_fields
        self._count = 0

    @property
    def dropped(self) -> int:
        return self._count - len(self._entries)

    def open(self, request: Request, *, at: datetime) -> Entry:
        self._count += 1
        entry = Entry(seq=self._count, at=at, request=request)
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        self._entries.clear()
        self._count = 0

    def report(self, *, since_seq: int = 0) -> list[dict[str, object]]:
        return [self._describe(entry) for entry in self._entries if entry.seq > since_seq]

    def _describe(self, entry: Entry) -> dict[str, object]:
        request = entry.request
        return {
            "seq": entry.seq,
            "at": format_moment(entry.at),
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "idempotency_key": request.idempotency_key,
            "body": self._hide(_readable(request)),
            "status": entry.status,
            "replayed": entry.replayed,
            "fault": entry.fault,
            "request_id": entry.request_id,
        }

    def _hide(self, content: object) -> object:
        if isinstance(content, Mapping):
            return {key: HIDDEN if key in self._hidden_fields else self._hide(value) for key, value in content.items()}
        if isinstance(content, list):
            return [self._hide(item) for item in content]
        return content if isinstance(content, str | int | None) else str(content)


def _readable(request: Request) -> object:
    if not request.body:
        return None
    if len(request.body) > LONGEST_BODY_BYTES:
        return f"[{len(request.body)} bytes]"
    try:
        if request.media_type == "application/x-www-form-urlencoded":
            return dict(read_form(request.body))
        return read_json(request.body)
    except BodyError:
        return request.body.decode(errors="replace")
