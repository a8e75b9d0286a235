"""What is counted. Every process counts for itself, from its start, and serves what it counted; Prometheus adds up.

Labels take few values, all of our own making: never a name, an id or a word that a client chose.
"""

from prometheus_client import Counter, Histogram

QUICK_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""From a query on one row to a mutation that waits for both providers."""
PATIENT_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86_400.0)
"""What waits for a provider that is away, or for a payer."""

http_requests = Counter("billing_http_requests_total", "Answers by route and status.", ("route", "method", "status"))
http_request_seconds = Histogram(
    "billing_http_request_seconds", "Until the answer began.", ("route",), buckets=QUICK_SECONDS
)

graphql_requests = Counter(
    "billing_graphql_requests_total",
    "GraphQL operations by root field; code is OK, an error's code, or the first user error's.",
    ("operation", "code"),
)
graphql_request_seconds = Histogram(
    "billing_graphql_request_seconds",
    "How long a query or a mutation took, by root field.",
    ("operation",),
    buckets=QUICK_SECONDS,
)

provider_call_seconds = Histogram(
    "billing_provider_call_seconds",
    "Calls to Metronome and Stripe, repeats within a call included.",
    ("provider", "operation", "outcome"),
    buckets=QUICK_SECONDS,
)

webhooks_received = Counter(
    "billing_webhooks_received_total", "Webhook requests by what was answered.", ("provider", "outcome")
)
webhooks_unreadable = Counter(
    "billing_webhooks_unreadable_total", "Events in a provider's own list that could not be read.", ("provider",)
)
webhook_events_handled = Counter(
    "billing_webhook_events_handled_total", "Attempts at stored events by how they ended.", ("provider", "outcome")
)
webhook_event_seconds = Histogram(
    "billing_webhook_event_seconds", "From an event's arrival to its end.", ("provider",), buckets=PATIENT_SECONDS
)

operations_ended = Counter(
    "billing_operations_ended_total",
    "Operations by how they ended; code is empty for a success.",
    ("kind", "state", "code"),
)
operation_seconds = Histogram(
    "billing_operation_seconds", "From an operation's acceptance to its end.", ("kind",), buckets=PATIENT_SECONDS
)

credits_moved = Counter("billing_credits_moved_total", "Credits written to the ledger, up or down.", ("kind",))
money_moved_minor_units = Counter(
    "billing_money_moved_minor_units_total",
    "Money: PAYMENT taken, REFUND given back, REFUND_RETURNED when one failed late; BALANCE_CREDIT, BALANCE_USE.",
    ("kind", "currency"),
)

rate_limits_counted_alone = Counter(
    "billing_rate_limits_counted_alone_total",
    "Charges that one process counted for itself while the shared counters were away.",
)

worker_rounds = Counter("billing_worker_rounds_total", "The worker's rounds by job and outcome.", ("job", "outcome"))
