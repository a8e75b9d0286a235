"""python -m app doctor."""

import asyncio
import sys
from dataclasses import asdict

import click

from app.cli_output import NOT_WELL, OPERATORS_PROBLEMS, as_json_option, echo_json, echo_table, progress
from app.doctor import PARTS, Finding, State, examine, fail
from app.logs import configure_logs
from app.settings import load_settings


@click.command()
@as_json_option
def doctor(*, as_json: bool) -> None:
    """Check settings, secrets, files, providers, clocks, database, migrations and what is stuck, and say what to do.

    Changes nothing and shows no secret. Exit status 1 when something fails; what is only worth a look does not count.
    """
    findings = asyncio.run(_findings())
    if as_json:
        echo_json([asdict(finding) for finding in findings])
    else:
        echo_table(
            ("check", "", "found", "do"), [(each.check, each.state, each.found, each.advice) for each in findings]
        )
    sys.exit(NOT_WELL if any(each.state is State.FAIL for each in findings) else 0)


async def _findings() -> list[Finding]:
    findings: list[Finding] = []
    try:
        settings = load_settings()
        configure_logs(settings)
        with progress("looking", total=PARTS) as show:
            part = 0
            async for found in examine(settings):
                findings += found
                show(part := part + 1)
    except OPERATORS_PROBLEMS as problem:
        findings.append(fail("settings", str(problem), "correct it in the environment or in .env"))
    return findings
