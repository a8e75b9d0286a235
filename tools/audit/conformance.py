"""GraphQL over HTTP: the server audits of npm's graphql-http."""

import json
import os
import shutil
import subprocess

from tools.audit.installing import Tools
from tools.audit.service import Audited
from tools.audit.verdict import AuditBroken, Verdict

AUDITS = 61
SECONDS = 300


def audit_conformance(service: Audited, tools: Tools) -> Verdict:
    """As an administrator: one audit introspects."""
    node = shutil.which("node")
    if node is None:
        raise AuditBroken("node is not on the PATH")
    done = subprocess.run(  # noqa: S603  our own list
        [node, "server-audits.cjs", service.url],
        cwd=tools.npm,
        env={**os.environ, "AUDIT_HEADERS": json.dumps(dict(service.admin))},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode != 0:
        raise AuditBroken(f"graphql-http: {done.stderr.strip()[-500:]}")
    results: list[dict[str, str]] = json.loads(done.stdout)
    misses = [f"{each['id']} {each['name']}: {each['reason']}" for each in results if each["status"] != "ok"]
    if len(results) < AUDITS:
        misses.append(f"only {len(results)} of {AUDITS} audits were made")
    passed = sum(each["status"] == "ok" for each in results)
    return Verdict(audit="graphql-http", asked=f"{len(results)} server audits", found=f"{passed} passed", misses=misses)
