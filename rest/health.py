from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from rest.answers import answer
from schema.types.health import HealthStatus, ServiceHealth
from schema.types.scalars import iso

Broken = Callable[[], str | None]
"""What only a restart of this process mends, in words."""
CheckHealth = Callable[[], Awaitable[ServiceHealth]]


def live(broken: Broken) -> Callable[[Request], Awaitable[Response]]:
    """Whether this process should go on running; what it needs is the business of `/health/ready`."""

    async def endpoint(_: Request) -> Response:
        if problem := broken():
            return answer({"status": "broken", "problem": problem}, status=503)
        return answer({"status": "ok"})

    return endpoint


def ready(check_health: CheckHealth) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        health = await check_health()
        everything = health.status is HealthStatus.UP
        body = {
            "status": "ok" if everything else "unavailable",
            "checkedAt": iso(health.checked_at),
            "components": {
                component.name: {
                    "status": component.status.value.lower(),
                    "latencyMs": component.latency_ms,
                    "problem": component.problem,
                }
                for component in health.components
            },
        }
        return answer(body, status=200 if everything else 503)

    return endpoint
