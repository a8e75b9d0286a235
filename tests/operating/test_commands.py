"""python -m app, as an operator types it beside a running service."""

import asyncio
import json
import re
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from app.__main__ import main
from models import Customer, Operation, OperationStatus
from operations.engine import MAX_TAKEOVERS
from tests.api.onboarding import onboard
from tests.operating.command import Said, app, in_terminal
from tests.service import running_service
from tests.stories.world import World, world_at
from tests.webhooks.delivery import until

SECRETS = {
    "STRIPE_SECRET_KEY": "sk_test_plantedKey",
    "STRIPE_WEBHOOK_SECRET": "planted-of-the-wrong-kind",
    "METRONOME_WEBHOOK_SECRET": "planted-metronome-secret",
    "METRONOME_OAUTH_CLIENT_ID": "planted",
    "METRONOME_OAUTH_CLIENT_SECRET": "planted-oauth-secret",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """A service with both mocks on ports, and the commands that run beside it."""

    world: World
    environment: dict[str, str]

    async def app(self, *arguments: str, **changed: str) -> Said:
        return await asyncio.to_thread(app, *arguments, **{**self.environment, **changed})

    async def json(self, *arguments: str) -> Any:
        said = await self.app(*arguments, "--json")
        assert (said.status, said.err) == (0, ""), said
        return json.loads(said.out)


@pytest.fixture
async def beside(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Beside]:
    async with world_at("2028-01-31T09:00:00", sqlite_url, tmp_path) as world:
        mocks = world.service
        yield Beside(
            world,
            {
                "DATABASE_URL": sqlite_url,
                "METRONOME_API_URL": str(mocks.metronome.http.base_url),
                "STRIPE_API_BASE": str(mocks.stripe.http.base_url),
            },
        )


async def test_a_customer_and_its_operations_are_shown_as_text_and_as_json(beside: Beside) -> None:
    await beside.world.onboard("ada", tier="PRO", paymentMethodId="pm_card_visa")
    operation = await Operation.get(customer__entity_id="ada", kind="ONBOARD")

    customer = await beside.json("customers", "show", "ada")
    listed = await beside.json("operations", "list", "--entity", "ada", "--status", "succeeded")
    shown = await beside.json("operations", "show", operation.id)
    text = await beside.app("customers", "show", "ada")

    assert (customer["tier"], customer["credits"], customer["cards"]) == ("PRO", 10_000, "visa 4242 (default)")
    assert [invoice["amount"] for invoice in customer["invoices"]] == ["9.00 USD"]
    assert operation.id in [each["id"] for each in listed]
    assert {effect["step"] for effect in shown["effects"]} >= {"metronome_customer", "stripe_customer"}
    assert {effect["state"] for effect in shown["effects"]} == {"DONE"}
    assert re.search(r"^tier +PRO$", text.out, re.MULTILINE)
    assert operation.id in text.out


async def test_an_operation_that_was_given_up_goes_on_when_it_is_resumed(beside: Beside) -> None:
    service = beside.world.service
    await service.stripe.fault(kind="status_before", status=503, path="^/v1/customers", times=None)
    asking = asyncio.create_task(onboard(service, "grace"))
    await until(lambda: running("grace"), what="an operation that runs")
    operation = await Operation.get(customer__entity_id="grace")
    await Operation.filter(id=operation.id).update(takeovers=MAX_TAKEOVERS + 1)
    assert (await beside.json("operations", "list", "--status", "running"))[0]["takeovers"] == MAX_TAKEOVERS + 1

    said = await beside.app("operations", "resume", operation.id)

    assert (said.status, said.out) == (0, f"{operation.id} is taken up by the running service within a few seconds\n")
    assert (await Operation.get(id=operation.id)).takeovers == 0
    await service.stripe.clear_faults()
    await asking
    await until(lambda: ended(operation.id), what="the operation ended")
    assert await beside.app("operations", "resume", operation.id) == Said(
        2, "", f"billing: operation {operation.id} is SUCCEEDED\n"
    )


@pytest.mark.parametrize(
    ("what", "arguments"),
    [
        ("operations", ("operations", "list", "--status", "failed")),
        ("webhook events", ("webhooks", "list", "--state", "dead")),
    ],
)
async def test_an_empty_list_is_said_to_be_empty_and_is_none_to_a_program(
    sqlite_url: str, what: str, arguments: tuple[str, ...]
) -> None:
    assert await asyncio.to_thread(app, *arguments, DATABASE_URL=sqlite_url) == Said(0, "", f"billing: no {what}\n")
    assert await asyncio.to_thread(app, *arguments, "--json", DATABASE_URL=sqlite_url) == Said(0, "[]\n", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("customers", "show", "nobody"), "no customer has the entity id nobody"),
        (("operations", "show", "op_none"), "no operation has the id op_none"),
        (("operations", "resume", "op_none"), "no operation has the id op_none"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_name_that_nothing_has_is_told_in_one_line(
    sqlite_url: str, arguments: tuple[str, ...], sentence: str
) -> None:
    assert app(*arguments, DATABASE_URL=sqlite_url) == Said(2, "", f"billing: {sentence}\n")


async def test_a_backup_is_made_while_the_service_runs_and_put_back_when_it_does_not(
    sqlite_url: str, tmp_path: Path
) -> None:
    environment = {"DATABASE_URL": sqlite_url}
    async with running_service(sqlite_url, tmp_path) as service:
        await onboard(service, "before")
        made = await asyncio.to_thread(app, "backup", str(tmp_path / "kept"), "--json", **environment)
        assert made.status == 0, made.err
        folder = Path(json.loads(made.out)["folder"])
        await onboard(service, "after")
        refused = await asyncio.to_thread(app, "restore", str(folder), "--yes", **environment)
        assert await names() == ["after", "before"]

    home = Path(sqlite_url.removeprefix("sqlite://")).parent
    assert refused == Said(2, "", f"billing: a service is running on {home}: stop it first\n")
    assert modes(folder) == {
        folder.name: 0o700,
        "billing.sqlite": 0o600,
        "engine.sqlite": 0o600,
        "manifest.json": 0o600,
    }
    restored = app("restore", str(folder), "--yes", "--json", **environment)
    assert restored.status == 0, restored.err
    aside = Path(json.loads(restored.out)["set_aside"])
    assert entity_ids(aside / "billing.db") == ["after", "before"]
    async with running_service(sqlite_url, tmp_path) as service:
        assert await names() == ["before"]
        assert (await onboard(service, "again"))["operation"]["status"] == "SUCCEEDED"


async def test_long_work_shows_in_a_terminal_how_far_it_is_and_its_output_stays_whole(
    beside: Beside, sqlite_url: str, tmp_path: Path
) -> None:
    await beside.world.onboard("ada")

    def run(*arguments: str) -> tuple[object, list[str]]:
        out, shown = in_terminal(*arguments, "--json", **beside.environment)
        return json.loads(out), re.findall(r"(copying|looking|comparing customers)\b.*?[0-9]+/[0-9?]+", shown)

    for arguments, what in (
        (("reconcile",), "comparing customers"),
        (("doctor",), "looking"),
        (("backup", str(tmp_path / "kept")), "copying"),
    ):
        found, shown = await asyncio.to_thread(run, *arguments)
        assert (found is not None, set(shown)) == (True, {what})


def test_a_restore_shows_how_far_it_is_too(sqlite_url: str, tmp_path: Path) -> None:
    made = app("backup", str(tmp_path / "kept"), "--json", DATABASE_URL=sqlite_url)
    folder = json.loads(made.out)["folder"]

    out, shown = in_terminal("restore", folder, "--yes", "--json", DATABASE_URL=sqlite_url)

    assert json.loads(out)["restored_from"] == folder
    assert re.search(r"copying\b.*?[0-9]+/", shown)


def test_a_backup_that_is_not_whole_is_not_put_back(sqlite_url: str, tmp_path: Path) -> None:
    made = app("backup", str(tmp_path / "kept"), "--json", DATABASE_URL=sqlite_url)
    folder = Path(json.loads(made.out)["folder"])
    copy = folder / "billing.sqlite"
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    before = Path(sqlite_url.removeprefix("sqlite://")).read_bytes()

    refused = app("restore", str(folder), "--yes", DATABASE_URL=sqlite_url)

    sentence = f"billing: {copy} is not what was backed up: its checksum differs\n"
    assert refused == Said(2, "", sentence)
    assert Path(sqlite_url.removeprefix("sqlite://")).read_bytes() == before


def test_with_postgresql_a_backup_says_which_command_makes_it_and_keeps_the_password() -> None:
    url = "postgresql://billing:planted-password@db.internal:5433/billing?maxsize=5"

    assert app("backup", DATABASE_URL=url) == Said(
        2,
        "",
        "billing: this is PostgreSQL, which has its own tools: pg_dump --format=custom --no-owner --file=billing.dump "
        "postgresql://billing@db.internal:5433/billing\n",
    )


async def test_the_doctor_finds_nothing_that_fails_where_all_is_well(beside: Beside) -> None:
    await beside.world.onboard("ada")
    assert (await beside.app("reconcile")).status == 0

    said = await beside.app("doctor", "--json", STRIPE_WEBHOOK_SECRET="whsec_x", METRONOME_WEBHOOK_SECRET="y")

    findings = {each["check"]: (each["state"], each["found"]) for each in json.loads(said.out)}
    assert [name for name, (state, _) in findings.items() if state != "OK"] == []
    assert findings["keys"] == ("OK", "1 good")
    assert findings["worker"] == ("OK", "worker-0 is alive")
    assert findings["reconcile"] == ("OK", "1 customers, 0 small differences")
    assert findings["clock, by stripe"] == ("OK", "agrees within seconds")
    assert said.status == 0


def test_the_doctor_names_what_is_wrong_and_what_to_do_and_no_secret(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite://"))
    path.chmod(0o644)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM tortoise_migrations WHERE name = '0006_operating'")

    away = {"MOCK_METRONOME_PORT": "9", "MOCK_STRIPE_PORT": "9", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    said = app("doctor", DATABASE_URL=sqlite_url, **away, **SECRETS)

    lines = {line.split("  ")[0]: line for line in said.out.splitlines()}
    assert said.status == 1
    assert "FAIL" in lines["stripe webhooks"]
    assert "copy the signing secret of the endpoint" in lines["stripe webhooks"]
    assert "FAIL" in lines["metronome"]
    assert "WARN" in lines["billing.db"]
    assert lines["billing.db"].endswith(f"chmod 0600 {path}")
    assert lines["migrations"].endswith("python -m app migrate")
    assert re.search("WARN +http://127.0.0.1:9 does not answer +start the collector", lines["traces"])
    assert [secret for secret in SECRETS.values() if secret in said.out + said.err and secret != "planted"] == []


def test_the_doctor_tells_of_a_setting_that_stops_the_start() -> None:
    said = app("doctor", "--json", PORT="many")

    (finding,) = json.loads(said.out)
    assert said.status == 1
    assert (finding["check"], finding["state"]) == ("settings", "FAIL")
    assert finding["found"].startswith("PORT: ")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


RUN_FOR_LONG = {("serve",), ("worker",), ("sandbox",), ("sdl",)}


@pytest.mark.parametrize(
    ("path", "command"), [pytest.param(path, command, id=" ".join(path)) for path, command in commands(main)]
)
def test_every_command_says_what_it_does_and_speaks_json(path: tuple[str, ...], command: click.Command) -> None:
    assert command.help
    if isinstance(command, click.Group) or path in RUN_FOR_LONG:
        return
    assert "--json" in {option for parameter in command.params for option in parameter.opts}


async def test_migrate_tells_a_program_what_it_did(empty_database_url: str) -> None:
    first, second, check = [
        await asyncio.to_thread(CliRunner().invoke, main, arguments, env={"DATABASE_URL": empty_database_url})
        for arguments in (["migrate", "--json"], ["migrate", "--json"], ["migrate", "--check", "--json"])
    ]

    assert [each.exit_code for each in (first, second, check)] == [0, 0, 0]
    assert json.loads(first.stdout)["applied"][0].endswith("0001_initial")
    assert (json.loads(second.stdout), json.loads(check.stdout)) == ({"applied": []}, {"unwritten": []})


async def running(entity_id: str) -> bool:
    return await Operation.filter(customer__entity_id=entity_id, status=OperationStatus.RUNNING).exists()


async def ended(operation_id: str) -> bool:
    return (await Operation.get(id=operation_id)).status is OperationStatus.SUCCEEDED


async def names() -> list[str]:
    return [str(each) for each in await Customer.all().order_by("entity_id").values_list("entity_id", flat=True)]


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


def entity_ids(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [entity_id for (entity_id,) in connection.execute("SELECT entity_id FROM customer ORDER BY 1")]
