"""What the service needs, asked within a bounded time, and once for all who want to know at about the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from time import perf_counter

import structlog

from integrations.errors import CredentialsRefused, ProviderError
from schema.context import Info
from schema.types.health import ComponentHealth, HealthStatus, ServiceHealth

log = structlog.get_logger()

TIMEOUT_SECONDS = 3.0

Question = Callable[[], Awaitable[None]]
"""Returns when all is well; raises else, `NotWell` with a sentence that says what is wrong."""


class NotWell(Exception):  # noqa: N818  named for what is wrong, as all our errors
    pass


class Health:
    """One round of questions answers everybody who asks while it runs, and for `cache_seconds` after it."""

    def __init__(self, questions: Mapping[str, Question], *, cache_seconds: float, now: Callable[[], datetime]) -> None:
        self._questions = questions
        self._cache_seconds = cache_seconds
        self._now = now
        self._round: asyncio.Task[ServiceHealth] | None = None
        self._stands_until = 0.0

    async def check(self) -> ServiceHealth:
        if self._round is None or (self._round.done() and asyncio.get_running_loop().time() >= self._stands_until):
            self._round = asyncio.create_task(self._ask_all())
        # shielded: one caller giving up must not take the answer from the others
        return await asyncio.shield(self._round)

    async def _ask_all(self) -> ServiceHealth:
        components = await asyncio.gather(*(_ask(name, question) for name, question in self._questions.items()))
        self._stands_until = asyncio.get_running_loop().time() + self._cache_seconds
        everything = all(component.status is HealthStatus.UP for component in components)
        return ServiceHealth(
            status=HealthStatus.UP if everything else HealthStatus.DOWN,
            checked_at=self._now(),
            components=list(components),
        )


async def service_health(info: Info) -> ServiceHealth:
    return await info.context.check_health()


async def _ask(name: str, question: Question) -> ComponentHealth:
    asked_at = perf_counter()
    problem = None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await question()
    except TimeoutError:
        problem = f"{name} did not answer within {TIMEOUT_SECONDS:.0f} s"
    except CredentialsRefused:
        problem = f"{name} refused our credentials: check {_CREDENTIALS.get(name, 'the configuration')}"
    except (ProviderError, NotWell) as told:
        problem = str(told)
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
