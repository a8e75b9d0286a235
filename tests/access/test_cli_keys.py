"""python -m app keys, as an operator runs it before anybody has a key."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.__main__ import main

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, which has no loop of its own running, as on a terminal."""
    monkeypatch.chdir(tmp_path)  # no .env is read
    environment = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path)}
    return lambda *arguments: CliRunner().invoke(main, ["keys", *arguments], env=environment)


def test_a_key_is_made_listed_and_revoked(run: Run) -> None:
    made = run("create", "--name", "web shop", "--scope", "customers:read", "--days", "30", "--json")
    key = json.loads(made.stdout)
    listed = json.loads(run("list", "--json").stdout)
    revoked = run("revoke", key["prefix"])
    after = json.loads(run("list", "--json").stdout)

    assert made.exit_code == 0
    assert key["key"].startswith(key["prefix"])
    assert (key["name"], key["scopes"], key["state"]) == ("web shop", ["customers:read"], "good")
    assert key["expires_at"] > key["created_at"]
    assert [each["name"] for each in listed] == ["web shop", "tests"]
    assert key["key"] not in str(listed)
    assert (revoked.exit_code, revoked.stdout) == (0, f"revoked: {key['prefix']}  web shop\n")
    assert [each["state"] for each in after] == ["revoked", "good"]


def test_without_json_standard_output_is_the_key_alone(run: Run) -> None:
    made = run("create", "--name", "ops", "--scope", "admin")

    assert made.exit_code == 0
    assert made.stdout.startswith("bk_test_")
    assert len(made.stdout) == len("bk_test_") + 64 + 1
    assert "only time it is shown" in made.stderr


def test_what_is_refused_is_told_in_one_line(run: Run) -> None:
    unknown = run("revoke", "bk_test_000000000001")
    unnamed = run("create", "--name", "", "--scope", "admin")
    no_scope = run("create", "--name", "ops")

    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "billing: no API key has the id or prefix bk_test_000000000001\n",
    )
    assert (unnamed.exit_code, unnamed.stderr) == (2, "billing: name must be 1 to 100 printable characters\n")
    assert (no_scope.exit_code, no_scope.stdout) == (2, "")


def test_a_database_that_is_not_migrated_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment: Mapping[str, str] = {"DATA_DIR": str(tmp_path)}

    listed = CliRunner().invoke(main, ["keys", "list"], env=environment)

    assert listed.exit_code == 2
    assert "run `make migrate`" in listed.stderr


def test_the_help_says_what_each_scope_is_for(run: Run) -> None:
    said = run("--help").stdout

    assert "Authorization: Bearer" in said
    for scope in ("customers:read", "billing:write", "payments:write", "webhooks:admin", "admin"):
        assert scope in said
