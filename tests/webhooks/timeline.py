"""What a customer's timeline tells."""

import models


async def timeline(entity_id: str, *kinds: str) -> list[tuple[str, str]]:
    """Kind and summary, oldest first, of everything whose kind begins with one of these."""
    rows = models.Activity.filter(entity_id=entity_id).order_by("id")
    return [(row.kind, row.summary) async for row in rows if row.kind.startswith(kinds)]
