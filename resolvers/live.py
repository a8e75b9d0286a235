"""Subscriptions: from what happens to what a client sees of it."""

import base64
from collections.abc import AsyncGenerator
from dataclasses import fields
from functools import partial
from typing import Annotated, TypeVar

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.dataloader import DataLoader

import models
from models.ids import ID_LENGTH
from operations.live import EVERYTHING, Happening, StreamEnded, Topic
from resolvers.operations import OperationId
from resolvers.pages import one, searchable
from schema.context import Context, Info, Loaders
from schema.request_errors import RequestErrorCode
from schema.types.arguments import EntityId
from schema.types.connection import BadInput, First, check_first
from schema.types.live import LiveEvent

AfterEvent = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the last event you got: go on right after it. "
        "Left out, the first event is the present state."
    ),
]
OfCustomer = Annotated[
    str | None, strawberry.argument(description="Only what happened to one customer, by your own id.")
]
LiveEvents = AsyncGenerator[LiveEvent, None]
T = TypeVar("T")

_ENDED = (models.OperationStatus.SUCCEEDED, models.OperationStatus.FAILED)
_ENDINGS = tuple(f"operation.{status.lower()}" for status in _ENDED)
_LARGEST_ID = 2**63 - 1


async def customer_changed(info: Info, entity_id: EntityId, after: AfterEvent = None) -> LiveEvents:
    caller = info.context.caller
    query = models.Customer.filter(entity_id=searchable(entity_id), **caller.only("id"))
    row = await one(query, ("id", "entity_id"))
    if row is None:
        raise BadInput("There is no customer with this entityId.")
    return _events(info.context, Topic(customer_id=row[0]), _present(info.context, *row), after=await _place(after))


async def operation_progress(
    info: Info,
    id: OperationId,  # noqa: A002  its name in the schema
    after: AfterEvent = None,
) -> LiveEvents:
    caller = info.context.caller
    query = models.Operation.filter(id=searchable(id, longest=ID_LENGTH), **caller.only("customer_id"))
    row = await one(query, ("customer_id", "customer__entity_id", "id"))
    if row is None:
        raise BadInput("There is no operation with this id.")
    return _events(info.context, Topic(operation_id=row[2]), _present(info.context, *row), after=await _place(after))


async def activity(info: Info, after: AfterEvent = None) -> LiveEvents:
    """All that the caller may see."""
    own = info.context.caller.customer
    topic = EVERYTHING if own is None else Topic(customer_id=own.id)
    present = _present(info.context) if own is None else _present(info.context, own.id, own.entity_id)
    return _events(info.context, topic, present, after=await _place(after))


async def latest_activity(info: Info, first: First = 20, entity_id: OfCustomer = None) -> list[LiveEvent]:
    query = models.Activity.filter(**info.context.caller.only("customer_id"))
    if entity_id is not None:
        query = query.filter(entity_id=searchable(entity_id))
    rows = await query.order_by("-id").limit(check_first(first)).values_list(*Happening._fields)
    return [_event(info.context.loaders, Happening(*row)) for row in rows]


async def _events(context: Context, topic: Topic, present: Happening, *, after: int | None) -> LiveEvents:
    try:
        with await context.feed.follow(topic, after=after) as stream:
            is_over = await _is_over(topic, after)
            if after is None:
                yield _event(context.loaders, present._replace(id=stream.start))
            if is_over:
                return
            async for happening in stream:
                _forget(context.loaders)
                yield _event(context.loaders, happening)
                if happening.kind in _ENDINGS and topic.operation_id is not None:
                    return
    except StreamEnded as ended:
        raise GraphQLError(str(ended), extensions={"code": RequestErrorCode[ended.code]}) from None


async def _is_over(topic: Topic, after: int | None) -> bool:
    """Whether an operation has ended, and the client knows. Asked once the stream stands, or its end could slip by."""
    if topic.operation_id is None or not await models.Operation.exists(id=topic.operation_id, status__in=_ENDED):
        return False
    return after is None or not await models.Activity.exists(
        operation_id=topic.operation_id, kind__in=_ENDINGS, id__gt=after
    )


def _present(
    context: Context, customer_id: str | None = None, entity_id: str | None = None, operation_id: str | None = None
) -> Happening:
    return Happening(
        id=0,
        at=context.now(),
        kind="present",
        summary="How things stand",
        customer_id=customer_id,
        entity_id=entity_id,
        operation_id=operation_id,
    )


def _event(loaders: Loaders, happening: Happening) -> LiveEvent:
    return LiveEvent(
        cursor=encode_cursor(happening.id),
        at=happening.at,
        kind=happening.kind,
        summary=happening.summary,
        customer_id=_id(happening.customer_id),
        entity_id=happening.entity_id,
        operation_id=_id(happening.operation_id),
        load_customer=partial(_loaded, loaders.customers, happening.customer_id),
        load_operation=partial(_loaded, loaders.operation, happening.operation_id),
    )


def _id(value: str | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(value)


async def _loaded(loader: DataLoader[str, T], id_: str | None) -> T | None:
    return None if id_ is None else await loader.load(id_)


def _forget(loaders: Loaders) -> None:
    """Each event shows what stands when it is sent; a loader would show what stood at the first."""
    for each in fields(loaders):
        getattr(loaders, each.name).clear_all()


def encode_cursor(activity_id: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(["activity", activity_id])).decode()


def decode_cursor(cursor: str) -> int:
    try:
        match orjson.loads(base64.b64decode(cursor.encode("ascii"), b"-_", validate=True)):
            case ["activity", int(activity_id)] if activity_id is not True and 0 <= activity_id <= _LARGEST_ID:
                return activity_id
    except ValueError:
        pass
    raise BadInput("after is not a cursor of a subscription.")


async def _place(after: str | None) -> int | None:
    """Refuses a cursor that something after it may be gone of, or that is ahead of everything."""
    if after is None:
        return None
    place = decode_cursor(after)
    oldest, newest = await models.Activity.oldest_id() or 1, await models.Activity.newest_id() or 0
    if place < oldest - 1:
        raise BadInput("after is older than what is kept: subscribe without it, and start from the present state.")
    if place > newest:
        raise BadInput("after is not a cursor of this service: subscribe without it, and start from the present state.")
    return place
