from datetime import datetime
from enum import Enum

import strawberry


@strawberry.enum(description="Whether a component, or all of them together, can do its work.")
class HealthStatus(Enum):
    UP = "UP"
    DOWN = "DOWN"


@strawberry.type(description="One thing the service needs, as it answered a moment ago.")
class ComponentHealth:
    name: str = strawberry.field(
        description="One of `database`, `metronome`, `stripe`, `worker`, `migrations`; `disk` on SQLite."
    )
    status: HealthStatus
    latency_ms: int = strawberry.field(description="How long the answer, or the lack of it, took.")
    problem: str | None = strawberry.field(description="What is wrong, in words. Null when it is UP.")


@strawberry.type(description="The service and all it needs, asked a few seconds ago at most.")
class ServiceHealth:
    status: HealthStatus = strawberry.field(description="UP when every component is.")
    checked_at: datetime
    components: list[ComponentHealth]
