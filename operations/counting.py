"""Money and credits in the metrics, once what moved them is committed."""

from models.committing import after_commit
from telemetry import metrics


def count_credits(kind: str, amount: int) -> None:
    after_commit(lambda: metrics.credits_moved.labels(kind).inc(abs(amount)))


def count_money(kind: str, amount_minor: int, currency: str) -> None:
    after_commit(lambda: metrics.money_moved_minor_units.labels(kind, currency).inc(amount_minor))
