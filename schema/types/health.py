from datetime import datetime
from enum import Enum

import strawberry


@strawberry.enum
class HealthStatus(Enum):
    UP = "UP"
    DOWN = "DOWN"


@strawberry.type(description="One thing the service needs, as it answered a moment ago.")
class ComponentHealth:
    name: str
    status: HealthStatus
    latency_ms: int | None
    problem: str | None = strawberry.field(description="What is wrong, in words.")


@strawberry.type
class ServiceHealth:
    status: HealthStatus = strawberry.field(description="UP when every component is.")
    checked_at: datetime
    components: list[ComponentHealth]
