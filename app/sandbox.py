"""Everything on this machine: both provider mocks and the service, wired to each other, with a little demo data.

Three child processes, as they would run anywhere else; this one only starts, watches and stops them.
"""

import asyncio
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path

import click
import httpx
from pydantic import SecretStr

from app.children import Children, ChildStopped, Stopped, stopped_by_signals
from app.demo import DemoRefused, load_demo_data
from app.main import FIRST_QUERY
from app.sandbox_key import sandbox_key
from app.serving import listen
from app.settings import InvalidSettings, Settings
from models.migrating import migrate

CHILD_STOPPED = 1
"""The exit status when one of the three ended by itself."""


def run_sandbox(settings: Settings) -> None:
    """Returns after Ctrl-C or SIGTERM."""
    if not settings.sandbox:
        raise InvalidSettings("METRONOME_API_URL and STRIPE_API_BASE name real providers; the sandbox is for the mocks")
    if not settings.developing:
        raise InvalidSettings("HOST or ENVIRONMENT opens the service to others; the sandbox is for this machine alone")
    logs = _make_folders(settings.data_dir.absolute())
    _check_ports(settings)
    children = Children(logs)
    with stopped_by_signals(children):
        try:
            _run(settings, children)
        except Stopped:
            _say("stopping; once more Ctrl-C does not wait")
        except ChildStopped as problem:
            _say(str(problem), err=True)
            sys.exit(CHILD_STOPPED)
        finally:
            children.stop()
    _say(f"stopped; the next start goes on with the data in {settings.data_dir}")


def _run(settings: Settings, children: Children) -> None:
    _say("starting the service and both provider mocks")
    asyncio.run(migrate(settings.database))
    key, key_id = asyncio.run(sandbox_key(settings))
    _start(settings, children, key_id)
    children.wait_until_healthy()
    _show(settings, key, demo=_load_demo(settings, children, key))
    children.watch()


def _make_folders(data_dir: Path) -> Path:
    """Where the logs go."""
    logs = data_dir / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettings(f"DATA_DIR: {error.filename} cannot be used ({error.strerror})") from None
    return logs


def _check_ports(settings: Settings) -> None:
    """All three at a time, so that the same port twice is noticed too."""
    with ExitStack() as stack:
        for port, setting in (
            (settings.port, "PORT"),
            (settings.mock_metronome_port, "MOCK_METRONOME_PORT"),
            (settings.mock_stripe_port, "MOCK_STRIPE_PORT"),
        ):
            if port == 0:
                raise InvalidSettings(f"{setting}: the sandbox needs a port that is known beforehand, not 0")
            stack.enter_context(listen("127.0.0.1", port, setting=setting))


def _start(settings: Settings, children: Children, key_id: str) -> None:
    """The service last: it is stopped first, while both providers still answer."""
    metronome_secret, stripe_secret = secrets.token_hex(32), f"whsec_{secrets.token_hex(24)}"
    service, metronome, stripe = (
        _url(port) for port in (settings.port, settings.mock_metronome_port, settings.mock_stripe_port)
    )
    credentials = settings.metronome_credentials()
    data_dir = settings.data_dir.absolute()
    children.start(
        "mock Metronome",
        metronome,
        ["mock_metronome", "--port", str(settings.mock_metronome_port)],
        {
            "MOCK_METRONOME_CLIENT_ID": credentials.client_id,
            "MOCK_METRONOME_CLIENT_SECRET": credentials.client_secret.get_secret_value(),
            "MOCK_METRONOME_STATE": str(data_dir / "mock_metronome.state"),
            "MOCK_METRONOME_WEBHOOK_URL": f"{service}/webhooks/metronome",
            "MOCK_METRONOME_WEBHOOK_SECRET": metronome_secret,
        },
    )
    children.start(
        "mock Stripe",
        stripe,
        ["mock_stripe", "--port", str(settings.mock_stripe_port)],
        {
            "MOCK_STRIPE_STATE": str(data_dir / "mock_stripe.state"),
            "MOCK_STRIPE_WEBHOOK_URL": f"{service}/webhooks/stripe",
            "MOCK_STRIPE_WEBHOOK_SECRET": stripe_secret,
        },
    )
    children.wait_until_healthy()  # the service goes by their time from its start
    children.start(
        "service",
        service,
        ["app", "serve"],
        {
            "LOG_FORMAT": "text" if settings.log_format == "auto" else settings.log_format,  # a person reads the file
            "METRONOME_API_URL": metronome,
            "STRIPE_API_BASE": stripe,
            "METRONOME_WEBHOOK_SECRET": metronome_secret,
            "STRIPE_WEBHOOK_SECRET": stripe_secret,
            "SANDBOX_SIGN_IN_KEY": key_id,
        },
    )


def _load_demo(settings: Settings, children: Children, key: SecretStr) -> str:
    """What to say about it. A sandbox without demo data is still one."""
    try:
        loaded = load_demo_data(f"{_url(settings.port)}/graphql", key)
    except (DemoRefused, httpx.TransportError) as problem:
        children.check()
        return f"not loaded: {problem}"
    return f"{loaded} demo customers; one card is declined on purpose" if loaded else "as you left it"


def _show(settings: Settings, key: SecretStr, *, demo: str) -> None:
    service = _url(settings.port)
    click.echo(
        f"""
  Web UI          {service}/
  GraphiQL        {service}/graphql
  API key         {key.get_secret_value()}
  REST            {service}/api/customers
  Ready?          {service}/health/ready
  mock Metronome  {_url(settings.mock_metronome_port)}/
  mock Stripe     {_url(settings.mock_stripe_port)}/

  data            {settings.data_dir.absolute()} ({demo})
  logs            {settings.data_dir.absolute() / "logs"}

Browsers on this machine are signed in with that key by themselves. Open GraphiQL and press its button, or paste this
there. It onboards a customer to Pro at both providers:

{_first_mutation()}
Or ask from another terminal who is there:

curl -s {service}/graphql -H 'content-type: application/json' \\
  -H 'authorization: Bearer {key.get_secret_value()}' \\
  -d '{{"query": "{{ customers(first: 10) {{ nodes {{ entityId name subscription {{ tier status }} }} }} }}"}}'

Ctrl-C stops everything and keeps the data.
"""
    )


def _first_mutation() -> str:
    lines = FIRST_QUERY.splitlines()
    return "".join(f"{line}\n" for line in lines if not line.startswith("#"))


def _say(sentence: str, *, err: bool = False) -> None:
    click.echo(f"billing: {sentence}", err=err)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
