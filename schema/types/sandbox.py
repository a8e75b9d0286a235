"""What a person may do while both providers are mocks."""

from datetime import datetime

import strawberry

from schema.types.enums import Provider, SandboxFaultKind, SandboxStep
from schema.types.errors import UserError
from schema.types.scalars import BigInt


@strawberry.type(description="A card of the sandbox, to put on file by its `paymentMethodId`.")
class SandboxCard:
    payment_method_id: str
    number: str
    does: str = strawberry.field(description="How it behaves, in words.")


@strawberry.type(description="Requests of ours that a mock fails on purpose.")
class SandboxFault:
    provider: Provider
    kind: SandboxFaultKind | None = strawberry.field(description="Null when it was set at the mock, in its own manner.")
    times: int | None = strawberry.field(description="How many requests it was set for; null: until it is cleared.")
    hits: int = strawberry.field(description="How many requests it has failed so far.")


@strawberry.type(description="The next thing that happens by itself.")
class SandboxEvent:
    at: datetime
    what: str = strawberry.field(description="In words.")


@strawberry.type(description="The clock all three systems go by, and what is set to fail.")
class Sandbox:
    now: datetime
    ahead_seconds: BigInt = strawberry.field(description="How far it is ahead of the real time.")
    next_event: SandboxEvent | None = strawberry.field(description="Null while there is no live subscription.")
    faults: list[SandboxFault]
    cards: list[SandboxCard]


@strawberry.input(description="How far to set the clock ahead: one of both.")
class AdvanceSandboxClockInput:
    by: SandboxStep | None = None
    to: datetime | None = strawberry.field(default=None, description="Later than now, by 366 days at most.")


@strawberry.input(description="What is to go wrong from now on.")
class AddSandboxFaultInput:
    provider: Provider
    kind: SandboxFaultKind
    times: int | None = strawberry.field(default=None, description="For so many requests; until cleared, if left out.")


@strawberry.input(description="What the cardholder does when the bank asks.")
class AuthenticateSandboxPaymentInput:
    payment_id: strawberry.ID = strawberry.field(description="A payment that is REQUIRES_ACTION.")
    success: bool = strawberry.field(default=True, description="Whether they prove who they are.")


@strawberry.type(description="The sandbox as it stands now.")
class SandboxPayload:
    sandbox: Sandbox | None = strawberry.field(default=None, description="Null when the request was refused.")
    user_errors: list[UserError] = strawberry.field(default_factory=list)
