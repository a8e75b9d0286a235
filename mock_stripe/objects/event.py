from typing import Literal, NotRequired, TypedDict

Snapshot = dict[str, object]


class EventData(TypedDict):
    object: Snapshot
    previous_attributes: NotRequired[Snapshot]


class EventRequest(TypedDict):
    id: str | None
    idempotency_key: str | None


class Event(TypedDict):
    id: str
    object: Literal["event"]
    api_version: str
    created: int
    data: EventData
    livemode: Literal[False]
    pending_webhooks: int
    request: EventRequest
    type: str
