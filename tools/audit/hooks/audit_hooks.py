"""Runs inside schemathesis: half of the good requests ask for something that exists; every answer is written down.

Generated ids and cursors never exist, and pages are almost never of 1 to 50: behind those there is little to break.
"""

import json
import os
import re
import zlib
from pathlib import Path
from typing import Any

import schemathesis

ENTITY_ID = re.compile(r'\b(entityId|id): "(?:[^"\\]|\\.)*"')
AFTER = re.compile(r'\bafter: "(?:[^"\\]|\\.)*"')
FIRST = re.compile(r"\bfirst: -?(\d+)")
KNOWN = os.environ["AUDIT_ENTITIES"].split(",")
ANSWERS = Path(os.environ["AUDIT_ANSWERS"])


@schemathesis.hook  # type: ignore[untyped-decorator]  # schemathesis is not installed where types are checked
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if _mode(case) == "positive" and isinstance(case.body, str):
        number = zlib.crc32(case.body.encode(errors="replace"))
        if number % 2 == 0:
            case.body = _existing(case.body, KNOWN[number // 2 % len(KNOWN)])


def _existing(document: str, entity_id: str) -> str:
    document = ENTITY_ID.sub(lambda found: f'{found[1]}: "{entity_id}"', document)
    document = FIRST.sub(lambda found: f"first: {int(found[1][-9:]) % 50 + 1}", document)
    return AFTER.sub("after: null", document)


def _mode(case: Any) -> str:
    return str(case.meta.generation.mode.value) if case.meta else "positive"


@schemathesis.hook  # type: ignore[untyped-decorator]  # as above
def after_call(context: Any, case: Any, response: Any) -> None:
    line = {
        "operation": case.operation.label,
        "mode": _mode(case),
        "status": response.status_code,
        "codes": _codes(response),
    }
    with ANSWERS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _codes(response: Any) -> list[str]:
    """Of every error; UNTYPED for one without a code, and for an answer that is no JSON."""
    try:
        errors = response.json().get("errors") or []
    except ValueError:
        return ["UNTYPED"]
    return [(error.get("extensions") or {}).get("code", "UNTYPED") for error in errors]
