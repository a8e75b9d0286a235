"""Learning a schema that is not shown, from the answers to guesses: clairvoyance, with every right word in its list."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_schema

from tools.audit.fuzzing import SDL
from tools.audit.installing import Tools
from tools.audit.service import Audited
from tools.audit.verdict import AuditBroken, Verdict

SECONDS = 300
CONTROL_WORDS = ("tiers", "serviceHealth", "status", "name", "tier", "creditsPerMonth", "checkedAt")
"""Few: with them the tool must learn something where it may, or its silence elsewhere proves nothing."""


def audit_guessing(service: Audited, tools: Tools, folder: Path) -> Verdict:
    """With a key that may do everything but explore. The control is an administrator, who may explore."""
    folder.mkdir(parents=True)
    schema = build_schema(SDL.read_text("utf-8"))
    words = every_name(schema)
    recovered = _guess(service, tools, folder / "closed", words, service.program) & every_field(schema)
    _require_answers(service)
    control = _guess(service, tools, folder / "control", CONTROL_WORDS, service.admin) & every_field(schema)
    if not control:
        raise AuditBroken(f"clairvoyance learns nothing where it may; see {folder / 'control'}")
    return Verdict(
        audit="clairvoyance",
        asked=f"every name of the schema ({len(words)} words)",
        found=f"{len(recovered)} fields recovered (control with hints: {len(control)})",
        misses=[f"recovered {name}" for name in sorted(recovered)],
    )


def _require_answers(service: Audited) -> None:
    """Whoever is turned away at the door learns nothing either, which would prove nothing."""
    answer = httpx.post(service.url, json={"query": "{ __typename }"}, headers=dict(service.program), trust_env=False)
    if answer.json().get("data") != {"__typename": "Query"}:
        raise AuditBroken(f"the key that guesses is not let in: {answer.text[:200]}")


def every_field(schema: GraphQLSchema) -> set[str]:
    return {
        f"{each.name}.{name}"
        for each in schema.type_map.values()
        if isinstance(each, GraphQLObjectType) and not each.name.startswith("__")
        for name in each.fields
    }


def every_name(schema: GraphQLSchema) -> list[str]:
    """What an attacker's list could hold at best: fields, arguments and input fields."""
    names: set[str] = set()
    for each in schema.type_map.values():
        if isinstance(each, GraphQLObjectType | GraphQLInputObjectType) and not each.name.startswith("__"):
            names.update(each.fields)
            if isinstance(each, GraphQLObjectType):
                names.update(argument for field in each.fields.values() for argument in field.args)
    return sorted(names)


def _guess(service: Audited, tools: Tools, folder: Path, words: Sequence[str], headers: Mapping[str, str]) -> set[str]:
    folder.mkdir()
    (folder / "words.txt").write_text("\n".join(words))
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    with (folder / "output.txt").open("wb") as output:
        subprocess.run(  # noqa: S603  our own list
            [
                str(tools.programs.absolute() / "clairvoyance"),
                service.url,
                "-w",
                "words.txt",
                "-o",
                "schema.json",
                *sent,
            ],
            cwd=folder,
            env={**os.environ, "NO_PROXY": "*"},
            stdout=output,
            stderr=output,
            check=False,  # it ends with an error where it learns nothing
            timeout=SECONDS,
        )
    found = folder / "schema.json"
    return _fields(json.loads(found.read_text("utf-8"))) if found.exists() else set()


def _fields(introspected: Mapping[str, Any]) -> set[str]:
    types = introspected["data"]["__schema"]["types"]
    return {f"{each['name']}.{field['name']}" for each in types for field in each.get("fields") or ()}
