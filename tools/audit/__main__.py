"""python -m tools.audit: the three audits, a table, and a status that is not 0 when anything was missed."""

import shutil
import sys
from pathlib import Path
from subprocess import TimeoutExpired

from app.children import ChildStopped
from app.demo import DemoRefused
from tools.audit.conformance import audit_conformance
from tools.audit.fuzzing import audit_fuzzing
from tools.audit.guessing import audit_guessing
from tools.audit.installing import install
from tools.audit.service import production_service
from tools.audit.verdict import AuditBroken, Verdict, table

FOLDER = Path("build/audit")
BROKEN = 2


def main() -> int:
    try:
        verdicts = audit(FOLDER)
    except (AuditBroken, ChildStopped, DemoRefused, TimeoutExpired) as problem:
        print(f"audit: {problem}", file=sys.stderr)
        return BROKEN
    print(table(verdicts))
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def audit(folder: Path) -> list[Verdict]:
    _say("installing the tools, unless they are there")
    tools = install(folder)
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    with production_service(run / "service") as service:
        _say(f"the service runs as in production at {service.url}; its logs are in {run / 'service' / 'logs'}")
        _say("graphql-http and clairvoyance: a minute")
        verdicts = [
            audit_conformance(service, tools),
            audit_guessing(service, tools, run / "clairvoyance"),
        ]
        _say(f"schemathesis: some minutes; its report will be in {run / 'schemathesis'}")
        return [*verdicts, audit_fuzzing(service, tools, run / "schemathesis")]


def _say(sentence: str) -> None:
    print(f"audit: {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
