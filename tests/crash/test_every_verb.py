"""Every verb, killed at two of the places it passes. All of them: `python -m tools.crash_matrix`."""

from collections.abc import Iterator

import pytest

from tests.crash.matrix import killed_at
from tests.crash.stories import STORIES
from tests.crash.world import World


def two_places_each() -> Iterator[tuple[str, str, str]]:
    """One on each database, and of another kind from verb to verb: before a call, after it, in a commit, after it..."""
    for number, (verb, story) in enumerate(STORIES.items()):
        places = sorted(story.points)
        for half, database in enumerate(("sqlite", "postgresql")):
            yield verb, places[(5 * number + half * len(places) // 2) % len(places)], database


# Where it once did not: a caller who asked again was given an operation of its own beside the one that waited for the
# payment, and a new allowance was taken for the old one and ended.
FOUND_BEFORE = [
    ("confirmPaymentOfChange", "operation.started", "sqlite"),
    ("scheduledChangeTakesOver", "metronome_credits.after_commit", "postgresql"),
]


@pytest.mark.parametrize(("verb", "place", "databases"), [*two_places_each(), *FOUND_BEFORE], indirect=["databases"])
async def test_it_survives_kill_9(world: World, verb: str, place: str) -> None:
    outcome = await killed_at(world, STORIES[verb], place)

    assert outcome.problems == ()
