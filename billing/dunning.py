"""When a failed payment is tried again: counted from the first failure, so that a late attempt delays no other."""

from datetime import datetime, timedelta

RETRY_DAYS = (1, 3, 5, 7)


def next_attempt(first_failure_at: datetime, failed_attempts: int) -> datetime | None:
    """`failed_attempts` counts the first failure too. None: the invoice is uncollectible."""
    if failed_attempts < 1:
        raise ValueError(f"dunning starts with the first failure: {failed_attempts}")
    if failed_attempts > len(RETRY_DAYS):
        return None
    return first_failure_at + timedelta(days=RETRY_DAYS[failed_attempts - 1])
