"""How the audit judges what its tools report: it must not be silent about too little."""

import json

from graphql import build_schema

from tools.audit.fuzzing import Answers, shortfall
from tools.audit.guessing import every_field, every_name
from tools.audit.verdict import Verdict, table

SCHEMA = build_schema(
    """
    type Query { customer(entityId: String!): Customer }
    type Mutation { rename(input: Rename!): Customer }
    type Customer { name: String }
    input Rename { newName: String }
    """
)


def answered(operation: str, *codes: str, status: int = 200, mode: str = "positive") -> str:
    return json.dumps({"operation": operation, "mode": mode, "status": status, "codes": codes})


def counted(*lines: str) -> Answers:
    answers = Answers()
    for line in lines:
        answers.add(line)
    return answers


def test_a_clients_own_fault_is_a_refusal_and_anything_else_a_failure() -> None:
    answers = counted(
        answered("Query.a"),
        answered("Query.b", "BAD_USER_INPUT", "QUERY_TOO_COMPLEX", mode="negative"),
        answered("Query.c", "BAD_USER_INPUT", "INTERNAL"),
        answered("Query.d", "FORBIDDEN"),
        answered("Query.e", "UNTYPED"),
        answered("Query.f", status=502),
    )
    assert answers.misses == [
        "Query.c: status 200, BAD_USER_INPUT, INTERNAL",
        "Query.d: status 200, FORBIDDEN",
        "Query.e: status 200, UNTYPED",
        "Query.f: status 502, no code",
    ]
    assert (answers.modes, answers.refused["negative"]) == ({"positive": 5, "negative": 1}, 1)


def test_too_few_cases_and_fields_that_were_left_out_are_misses() -> None:
    assert shortfall(counted(*[answered("Query.customer")] * 3), SCHEMA) == [
        "only 3 of 2,000 cases",
        "no negative case",
        "Mutation.rename was never asked for",
    ]
    enough = [answered("Query.customer"), answered("Mutation.rename", mode="negative")] * 1_000
    assert shortfall(counted(*enough), SCHEMA) == []


def test_the_list_of_words_holds_every_name_a_guess_could_need() -> None:
    assert every_name(SCHEMA) == ["customer", "entityId", "input", "name", "newName", "rename"]
    assert every_field(SCHEMA) == {"Query.customer", "Mutation.rename", "Customer.name"}


def test_the_table_tells_what_was_missed() -> None:
    passed = Verdict(audit="one", asked="61 audits", found="61 passed")
    missed = Verdict(audit="another", asked="2 words", found="1 recovered", misses=["recovered Query.customer"])
    assert table([passed, missed]).splitlines() == [
        "audit    tried      found",
        "-" * len("another  2 words    1 recovered  1 MISSED"),
        "one      61 audits  61 passed    passed",
        "another  2 words    1 recovered  1 MISSED",
        "",
        "another: recovered Query.customer",
    ]
    assert (passed.passed, missed.passed) == (True, False)
