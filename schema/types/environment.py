"""Which world the service acts in: nobody should refund real money and think it was a rehearsal."""

from datetime import datetime
from enum import Enum

import strawberry


@strawberry.enum(description="Whether what is done here moves money.")
class Mode(Enum):
    SANDBOX = strawberry.enum_value("SANDBOX", description="Both providers are mocks on this machine.")
    TEST = strawberry.enum_value("TEST", description="The real providers, with test keys.")
    LIVE = strawberry.enum_value("LIVE", description="Real money.")


@strawberry.type(description="Which providers the service drives.")
class Environment:
    mode: Mode
    now: datetime = strawberry.field(description="By the service's clock, which runs ahead where a sandbox moved it.")
    metronome_url: str
    stripe_url: str
