"""What a newcomer is told to paste does what they are told it does."""

import json
import re
from pathlib import Path
from typing import Any

from app.main import FIRST_QUERY
from tests.service import Service

README = Path(__file__).parents[2] / "README.md"
AN_ID = re.compile(r"(cus|op)_\w+|[0-9a-f]{8}-[0-9a-f-]{27}")


async def test_the_mutation_of_the_readme_answers_what_is_printed_below_it_and_once_more_the_same(
    service: Service,
) -> None:
    mutation, printed = block("graphql"), json.loads(block("json"))

    assert shown(await service.execute(mutation)) == printed
    assert shown(await service.execute(mutation)) == printed


async def test_the_query_that_graphiql_begins_with_onboards_somebody_on_pro(service: Service) -> None:
    payload = shown(await service.execute(FIRST_QUERY))["data"]["onboard"]

    assert payload == {
        "customer": {
            "entityId": "user_42",
            "metronomeCustomerId": "an id",
            "stripeCustomerId": "an id",
            "credits": {"balance": 10_000},
        },
        "subscription": {
            "status": "ACTIVE",
            "tier": "PRO",
            "currentPeriod": {"start": "2028-01-31", "end": "2028-02-29"},
        },
        "invoice": {"status": "PAID", "amount": {"amount": "9.00", "currency": "USD"}},
        "payment": {"status": "SUCCEEDED", "declineCode": None},
        "operation": {"id": "an id", "status": "SUCCEEDED"},
        "warnings": [],
        "userErrors": [],
    }


def block(language: str) -> str:
    """The first of the README's in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def shown(answer: dict[str, Any]) -> Any:
    """Without what it cost, and with a word for every id."""
    return json.loads(AN_ID.sub("an id", json.dumps({"data": answer["data"]})))
