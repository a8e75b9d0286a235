"""What the service needs, asked now: the database, both providers, the worker."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

import structlog

from integrations.errors import CredentialsRefused, ProviderError
from models import Operation
from schema.context import Context, Info
from schema.types.health import ComponentHealth, HealthStatus, ServiceHealth

log = structlog.get_logger()

TIMEOUT_SECONDS = 3.0


async def service_health(info: Info) -> ServiceHealth:
    return await check_health(info.context)


async def check_health(context: Context) -> ServiceHealth:
    components = await asyncio.gather(
        _ask("database", _database),
        _ask("metronome", context.tools.metronome.ping),
        _ask("stripe", context.tools.stripe.ping),
        _ask("worker", context.engine.ping),
    )
    everything = all(component.status is HealthStatus.UP for component in components)
    return ServiceHealth(
        status=HealthStatus.UP if everything else HealthStatus.DOWN,
        checked_at=context.now(),
        components=list(components),
    )


async def _database() -> None:
    await Operation.first().values_list("id")


async def _ask(name: str, question: Callable[[], Awaitable[None]]) -> ComponentHealth:
    asked_at = perf_counter()
    problem = None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await question()
    except TimeoutError:
        problem = f"{name} did not answer within {TIMEOUT_SECONDS:.0f} s"
    except CredentialsRefused:
        problem = f"{name} refused our credentials: check {_CREDENTIALS.get(name, 'the configuration')}"
    except ProviderError as error:
        problem = str(error)
    except Exception:
        # Whatever the reason, the answer to "is it up?" is no; the log has the reason.
        log.exception("health.check_failed", component=name)
        problem = f"{name} failed; the log has the details"
    latency_ms = round((perf_counter() - asked_at) * 1000)
    status = HealthStatus.DOWN if problem else HealthStatus.UP
    return ComponentHealth(name=name, status=status, latency_ms=latency_ms, problem=problem)


_CREDENTIALS = {
    "metronome": "METRONOME_OAUTH_CLIENT_ID and METRONOME_OAUTH_CLIENT_SECRET",
    "stripe": "STRIPE_SECRET_KEY",
}
