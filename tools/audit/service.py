"""The service as it runs in production, over both mocks: real processes, a new database, logs in a folder."""

import asyncio
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from pydantic import SecretStr

from access.keys import create_key
from access.scopes import Scope
from app.children import Children, stopped_by_signals
from app.clock import system_now
from app.demo import CUSTOMERS, load_demo_data
from app.settings import RATE_LIMITS
from models.database import database
from models.migrating import migrate

PRODUCTION = {
    "ENVIRONMENT": "production",
    "CUSTOMER_TOKEN_SECRET": secrets.token_hex(32),
    "PUBLIC_URL": "https://billing.example",
    "TRUSTED_PROXIES": "127.0.0.1",
    "LOG_FORMAT": "json",
    # The audits ask for more in a minute than a program does in an hour; that this is limited is tested elsewhere.
    **{name.upper(): "1000000000/minute" for name in RATE_LIMITS},
}


@dataclass(frozen=True, slots=True)
class Audited:
    """Where the service is, what a request must carry to be let in, and whom the service knows."""

    url: str
    admin: Mapping[str, str]
    program: Mapping[str, str]
    """With every scope but that of administrators."""
    entities: Sequence[str]


@contextmanager
def production_service(folder: Path) -> Iterator[Audited]:
    logs = folder / "logs"
    logs.mkdir(parents=True)
    service, metronome, stripe = (f"http://127.0.0.1:{port}" for port in _free_ports(3))
    environment = {**PRODUCTION, **_wiring(service, metronome, stripe), "DATA_DIR": str(folder.absolute())}
    admin, program = asyncio.run(_prepare(f"sqlite://{folder.absolute() / 'billing.sqlite'}"))
    children = Children(logs)
    with stopped_by_signals(children):
        try:
            children.start("mock Metronome", metronome, ["mock_metronome", "--port", _port(metronome)], environment)
            children.start("mock Stripe", stripe, ["mock_stripe", "--port", _port(stripe)], environment)
            children.start("service", service, ["app", "serve"], environment)
            children.wait_until_healthy()
            load_demo_data(f"{service}/graphql", admin)
            yield Audited(
                url=f"{service}/graphql",
                admin=_bearer(admin),
                program=_bearer(program),
                entities=[customer["entity"]["id"] for customer in CUSTOMERS],
            )
        finally:
            with redirect_stderr(StringIO()):  # their warnings are of what the audits provoke, and in their logs
                children.stop()


async def _prepare(url: str) -> tuple[SecretStr, SecretStr]:
    """A database with two keys: an administrator's, and one with everything else."""
    await migrate(url)
    async with database(url):
        admin = await create_key("audit", [Scope.ADMIN], live=False, at=system_now())
        others = [scope for scope in Scope if scope is not Scope.ADMIN]
        program = await create_key("audit, a program", others, live=False, at=system_now())
    return admin.secret, program.secret


def _bearer(key: SecretStr) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.get_secret_value()}"}


def _wiring(service: str, metronome: str, stripe: str) -> dict[str, str]:
    metronome_secret, stripe_secret = secrets.token_hex(32), f"whsec_{secrets.token_hex(24)}"
    return {
        "PORT": _port(service),
        "METRONOME_API_URL": metronome,
        "STRIPE_API_BASE": stripe,
        "METRONOME_WEBHOOK_SECRET": metronome_secret,
        "STRIPE_WEBHOOK_SECRET": stripe_secret,
        "MOCK_METRONOME_CLIENT_ID": "sandbox-client",
        "MOCK_METRONOME_CLIENT_SECRET": "sandbox-secret",
        "MOCK_METRONOME_WEBHOOK_URL": f"{service}/webhooks/metronome",
        "MOCK_METRONOME_WEBHOOK_SECRET": metronome_secret,
        "MOCK_STRIPE_WEBHOOK_URL": f"{service}/webhooks/stripe",
        "MOCK_STRIPE_WEBHOOK_SECRET": stripe_secret,
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _port(url: str) -> str:
    return url.rpartition(":")[2]
