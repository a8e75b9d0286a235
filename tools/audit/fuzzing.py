"""Every query and mutation with generated data, good and bad: schemathesis over the SDL."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graphql import GraphQLSchema, build_schema

from tools.audit.installing import Tools
from tools.audit.service import Audited
from tools.audit.verdict import AuditBroken, Verdict

SDL = Path("schema/schema.graphql")
CASES = 2_000
CASES_PER_FIELD = 56
SECONDS = 1_800
REFUSALS = frozenset(
    {"BAD_USER_INPUT", "BAD_REQUEST", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "QUERY_TOO_COMPLEX"}
)
"""A client's own fault, said with a code. Any other error at the top is a miss."""

# `positive_data_acceptance` cannot hold: what the SDL tells in words (a page of 1 to 50, a cursor) no generator reads.
CHECKS = ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the service said, counted by schemathesis' own mode."""

    modes: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        answer = json.loads(line)
        codes: list[str] = answer["codes"]
        self.modes[answer["mode"]] += 1
        self.operations[answer["operation"]] += 1
        self.refused[answer["mode"]] += bool(codes)
        if answer["status"] >= 500 or set(codes) - REFUSALS:
            self.misses.append(f"{answer['operation']}: status {answer['status']}, {', '.join(codes) or 'no code'}")


def audit_fuzzing(service: Audited, tools: Tools, folder: Path) -> Verdict:
    folder.mkdir(parents=True)
    output, status = _run(service, tools, folder)
    answers = Answers()
    for line in (folder / "answers.jsonl").read_text("utf-8").splitlines():
        answers.add(line)
    misses = [*dict.fromkeys(answers.misses), *shortfall(answers, build_schema(SDL.read_text("utf-8")))]
    if status != 0:
        misses.append(f"schemathesis ended with {status}; its report is {output}")
    cases, refused = sum(answers.modes.values()), sum(answers.refused.values())
    return Verdict(
        audit="schemathesis",
        asked=f"{cases:,} cases ({_counted(answers.modes)}), {len(answers.operations)} root fields",
        found=f"{cases - refused:,} answered, {refused:,} refused by a code, {len(answers.misses)} failures",
        misses=misses,
    )


def _run(service: Audited, tools: Tools, folder: Path) -> tuple[Path, int]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parent / "hooks"),
        "SCHEMATHESIS_HOOKS": "audit_hooks",
        "AUDIT_ENTITIES": ",".join(service.entities),
        "AUDIT_ANSWERS": str((folder / "answers.jsonl").absolute()),
    }
    headers = [part for name, value in service.admin.items() for part in ("--header", f"{name}: {value}")]
    command = [str(tools.programs.absolute() / "schemathesis"), "run", str(SDL.absolute()), "--url", service.url]
    options = ["--max-examples", str(CASES_PER_FIELD), "--seed", "1", "--continue-on-failure", "--no-color"]
    output = folder / "schemathesis.txt"
    with output.open("wb") as file:
        done = subprocess.run(  # noqa: S603  our own list
            [*command, *headers, *options, *CHECKS],
            cwd=folder,
            env=environment,
            stdout=file,
            stderr=file,
            check=False,
            timeout=SECONDS,
        )
    if not (folder / "answers.jsonl").exists():
        raise AuditBroken(f"schemathesis asked nothing; see {output}")
    return output, done.returncode


def shortfall(answers: Answers, schema: GraphQLSchema) -> list[str]:
    missing = _root_fields(schema) - answers.operations.keys()
    total = sum(answers.modes.values())
    return [
        *([f"only {total:,} of {CASES:,} cases"] if total < CASES else []),
        *(f"no {mode} case" for mode in ("positive", "negative") if not answers.modes[mode]),
        *(f"{name} was never asked for" for name in sorted(missing)),
    ]


def _root_fields(schema: GraphQLSchema) -> set[str]:
    roots = [root for root in (schema.query_type, schema.mutation_type) if root is not None]
    return {f"{root.name}.{name}" for root in roots for name in root.fields}


def _counted(counter: Counter[str]) -> str:
    parts: Sequence[str] = [f"{count:,} {name}" for name, count in sorted(counter.items(), reverse=True)]
    return ", ".join(parts)
