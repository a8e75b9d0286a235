from datetime import UTC, datetime

import pytest

from billing.dunning import next_attempt

FAILED_AT = datetime(2028, 2, 27, 13, 30, tzinfo=UTC)


def test_attempts_follow_the_first_failure_by_one_three_five_and_seven_days() -> None:
    attempts = [next_attempt(FAILED_AT, failed) for failed in range(1, 6)]
    days = [(2, 28), (3, 1), (3, 3), (3, 5)]
    assert attempts == [*(datetime(2028, month, day, 13, 30, tzinfo=UTC) for month, day in days), None]


def test_after_the_last_attempt_there_is_never_another() -> None:
    assert next_attempt(FAILED_AT, 99) is None


def test_without_a_failure_there_is_no_dunning() -> None:
    with pytest.raises(ValueError, match="first failure"):
        next_attempt(FAILED_AT, 0)
