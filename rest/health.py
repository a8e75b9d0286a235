from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from resolvers.health import check_health
from rest.answers import answer
from schema.context import Context
from schema.types.health import HealthStatus
from schema.types.scalars import iso


async def live(_: Request) -> Response:
    """The process answers; what it needs is the business of `/health/ready`."""
    return answer({"status": "ok"})


def ready(context: Callable[[Request], Awaitable[Context]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        health = await check_health(await context(request))
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
