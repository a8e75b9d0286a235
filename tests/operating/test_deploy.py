"""What stands under deploy/ and in the Dockerfile fits the service, as far as it shows without a container engine."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml

from app.__main__ import main
from app.settings import Settings, load_settings
from tests.operating.command import ROOT
from tests.operating.metrics import OPENMETRICS
from tests.service import running_service
from tests.webhooks.processes import free_port

DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboards" / "billing.json").read_text("utf-8"))
OURS = {name: each for name, each in COMPOSE["services"].items() if "build" in each}
PROMETHEUS_OWN = {"up"}
START_SECONDS = 120.0
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "info": ("_info",)}


def rules() -> Iterator[dict[str, Any]]:
    for group in ALERTS["groups"]:
        yield from group["rules"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def metrics_in(expression: str) -> set[str]:
    """Parsed as Prometheus does; Grafana's own variable stands for a duration."""
    found: set[str] = set()

    def note(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            found.add(node.name)
        return True

    promql_parser.walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")), note)
    return found


async def test_every_metric_that_is_drawn_or_watched_is_served(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url, tmp_path) as service:
        text = (await service.http.get("/metrics", headers=OPENMETRICS)).text
    types = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    served = {f"{name}{suffix}" for name, kind in types for suffix in SUFFIXES.get(kind, ("",))}

    named = {metric for expression in expressions() for metric in metrics_in(expression)}

    assert len(named) > 20
    assert named - served - PROMETHEUS_OWN == set()


def test_every_alert_says_how_bad_it_is_and_which_runbook_helps() -> None:
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "operating.md").read_text("utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}

    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        document, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (document, anchor in anchors) == ("docs/operating.md", True), rule["alert"]


def test_the_dockerfile_passes_its_linter() -> None:
    linter = Path(sys.executable).parent / "hadolint"

    done = subprocess.run([str(linter), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_holds_every_package_of_the_service_and_nothing_of_the_mocks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = set(project["tool"]["importlinter"]["root_packages"])

    assert copied() == {package for package in packages if not package.startswith("mock_")}
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)


def test_the_image_brings_the_built_web_ui_where_the_service_looks_for_it() -> None:
    web, *_, last = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    (folder,) = re.findall(r"^WORKDIR (\S+)$", last, re.MULTILINE)
    ((made, put),) = re.findall(r"^COPY --from=web (\S+) (\S+)$", last, re.MULTILINE)

    assert re.findall(r"^RUN (.+)$", web, re.MULTILINE) == ["npm ci --ignore-scripts", "npm run build"]
    assert {"frontend ./", "schema/schema.graphql ../schema/schema.graphql"} <= set(
        re.findall(r"^COPY (.+)$", web, re.MULTILINE)
    )
    assert made == "/web/frontend/out"
    assert Path(put) == Path(folder) / Settings.model_fields["web_dir"].default


def test_compose_is_what_the_compose_specification_allows() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout.strip()) == (0, "ok -- validation done"), checked.stdout


def test_compose_names_only_what_there_is() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"]), name
        named = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {volume for volume in named if not volume.startswith(".")} <= set(COMPOSE["volumes"]), name
        assert all((DEPLOY / volume).exists() for volume in named if volume.startswith(".")), name
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    targets = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    (discovery,) = targets["scrape_configs"][0]["dns_sd_configs"]
    assert set(discovery["names"]) == {name for name in OURS if name != "migrate"}


def test_each_of_our_containers_is_locked_down_and_runs_a_command_there_is() -> None:
    assert set(OURS) == {"migrate", "web", "worker"}
    known = {name.upper() for name in Settings.model_fields}
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert set(service["environment"]) <= known, name
        command, *options = service["command"]
        found = main.commands[command]
        found.make_context(command, list(options), parent=click.Context(main))
        assert load_settings(rate_limit_storage=service["environment"]["RATE_LIMIT_STORAGE"]).rate_limit_storage
    assert int(OURS["web"]["stop_grace_period"].removesuffix("s")) > 2 * Settings.model_fields["drain_seconds"].default


@pytest.mark.parametrize("command", [OURS["web"]["command"], OURS["worker"]["command"]], ids=lambda value: value[0])
def test_what_the_image_holds_runs_answers_its_health_check_and_writes_nothing_there(
    command: list[str], empty_postgresql_url: str, tmp_path: Path
) -> None:
    """The same files, the same commands, and a folder of its own, in the place of a container."""
    root, port = image(tmp_path), free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": empty_postgresql_url,
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(port),
        "LOG_FORMAT": "json",
    }
    subprocess.run([sys.executable, "-m", "app", *OURS["migrate"]["command"]], cwd=root, env=environment, check=True)
    before = sorted(root.rglob("*"))
    with subprocess.Popen([sys.executable, "-m", "app", *command], cwd=root, env=environment) as process:
        try:
            wait_until_healthy(environment)
        finally:
            process.send_signal(signal.SIGTERM)

    assert process.returncode == 0
    assert sorted(root.rglob("*")) == before
    assert not (tmp_path / "data").exists()


def wait_until_healthy(environment: dict[str, str]) -> None:
    """By the HEALTHCHECK of the Dockerfile, as it stands there."""
    (written,) = re.findall(r"^HEALTHCHECK.*?CMD (\[.*?\])$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    _, *arguments = json.loads(written)
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def copied() -> set[str]:
    return {name for name, _ in re.findall(r"^COPY (\w+) \./(\w+)$", DOCKERFILE, re.MULTILINE)}


def image(folder: Path) -> Path:
    root = folder / "srv"
    for package in copied():
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root
