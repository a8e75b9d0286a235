"""Every route, the handler behind it, and the SDK's declaration of its parameters."""

from dataclasses import dataclass

from stripe import params as sdk

from mock_kit.routes import Match, Routes
from mock_stripe.call import Handler
from mock_stripe.errors import UnknownRouteError
from mock_stripe.resources import (
    balance,
    charges,
    customers,
    events,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    webhook_endpoints,
)


@dataclass(frozen=True, slots=True)
class Route:
    handler: Handler
    parameters: type
    kind: str
    """Of the object it answers, or of the objects in the list it answers."""
    lists: bool


TABLE: list[tuple[str, str, Handler, type]] = [
    ("POST", "/v1/customers", customers.create, sdk.CustomerCreateParams),
    ("GET", "/v1/customers", customers.list_all, sdk.CustomerListParams),
    ("GET", "/v1/customers/search", customers.search, sdk.CustomerSearchParams),
    ("GET", "/v1/customers/{id}", customers.retrieve, sdk.CustomerRetrieveParams),
    ("POST", "/v1/customers/{id}", customers.update, sdk.CustomerUpdateParams),
    ("DELETE", "/v1/customers/{id}", customers.delete, sdk.CustomerDeleteParams),
    (
        "GET",
        "/v1/customers/{id}/payment_methods",
        customers.list_payment_methods,
        sdk.CustomerPaymentMethodListParams,
    ),
    ("POST", "/v1/payment_methods", payment_methods.create, sdk.PaymentMethodCreateParams),
    ("GET", "/v1/payment_methods", payment_methods.list_all, sdk.PaymentMethodListParams),
    ("GET", "/v1/payment_methods/{id}", payment_methods.retrieve, sdk.PaymentMethodRetrieveParams),
    ("POST", "/v1/payment_methods/{id}", payment_methods.update, sdk.PaymentMethodUpdateParams),
    ("POST", "/v1/payment_methods/{id}/attach", payment_methods.attach, sdk.PaymentMethodAttachParams),
    ("POST", "/v1/payment_methods/{id}/detach", payment_methods.detach, sdk.PaymentMethodDetachParams),
    ("POST", "/v1/setup_intents", setup_intents.create, sdk.SetupIntentCreateParams),
    ("GET", "/v1/setup_intents", setup_intents.list_all, sdk.SetupIntentListParams),
    ("GET", "/v1/setup_intents/{id}", setup_intents.retrieve, sdk.SetupIntentRetrieveParams),
    ("POST", "/v1/setup_intents/{id}", setup_intents.update, sdk.SetupIntentUpdateParams),
    ("POST", "/v1/setup_intents/{id}/confirm", setup_intents.confirm, sdk.SetupIntentConfirmParams),
    ("POST", "/v1/setup_intents/{id}/cancel", setup_intents.cancel, sdk.SetupIntentCancelParams),
    ("POST", "/v1/payment_intents", payment_intents.create, sdk.PaymentIntentCreateParams),
    ("GET", "/v1/payment_intents", payment_intents.list_all, sdk.PaymentIntentListParams),
    ("GET", "/v1/payment_intents/search", payment_intents.search, sdk.PaymentIntentSearchParams),
    ("GET", "/v1/payment_intents/{id}", payment_intents.retrieve, sdk.PaymentIntentRetrieveParams),
    ("POST", "/v1/payment_intents/{id}", payment_intents.update, sdk.PaymentIntentUpdateParams),
    ("POST", "/v1/payment_intents/{id}/confirm", payment_intents.confirm, sdk.PaymentIntentConfirmParams),
    ("POST", "/v1/payment_intents/{id}/capture", payment_intents.capture, sdk.PaymentIntentCaptureParams),
    ("POST", "/v1/payment_intents/{id}/cancel", payment_intents.cancel, sdk.PaymentIntentCancelParams),
    ("GET", "/v1/charges", charges.list_all, sdk.ChargeListParams),
    ("GET", "/v1/charges/{id}", charges.retrieve, sdk.ChargeRetrieveParams),
    ("POST", "/v1/charges/{id}", charges.update, sdk.ChargeUpdateParams),
    ("POST", "/v1/refunds", refunds.create, sdk.RefundCreateParams),
    ("GET", "/v1/refunds", refunds.list_all, sdk.RefundListParams),
    ("GET", "/v1/refunds/{id}", refunds.retrieve, sdk.RefundRetrieveParams),
    ("POST", "/v1/refunds/{id}", refunds.update, sdk.RefundUpdateParams),
    ("GET", "/v1/balance_transactions", balance.list_all, sdk.BalanceTransactionListParams),
    ("GET", "/v1/balance_transactions/{id}", balance.retrieve, sdk.BalanceTransactionRetrieveParams),
    ("GET", "/v1/events", events.list_all, sdk.EventListParams),
    ("GET", "/v1/events/{id}", events.retrieve, sdk.EventRetrieveParams),
    ("POST", "/v1/webhook_endpoints", webhook_endpoints.create, sdk.WebhookEndpointCreateParams),
    ("GET", "/v1/webhook_endpoints", webhook_endpoints.list_all, sdk.WebhookEndpointListParams),
    ("GET", "/v1/webhook_endpoints/{id}", webhook_endpoints.retrieve, sdk.WebhookEndpointRetrieveParams),
    ("POST", "/v1/webhook_endpoints/{id}", webhook_endpoints.update, sdk.WebhookEndpointUpdateParams),
    ("DELETE", "/v1/webhook_endpoints/{id}", webhook_endpoints.delete, sdk.WebhookEndpointDeleteParams),
]

NOT_SIMULATED = frozenset(
    {
        "amount_details",
        "application_fee_amount",
        "attach_to_self",
        "cash_balance",
        "confirmation_token",
        "customer_account",
        "final_capture",
        "flow_directions",
        "hooks",
        "instructions_email",
        "mandate",
        "managed_payments",
        "next_invoice_sequence",
        "on_behalf_of",
        "origin",
        "payment_details",
        "payment_method_configuration",
        "payment_method_data",
        "payment_record",
        "refund_application_fee",
        "reverse_transfer",
        "single_use",
        "source",
        "tax_id_data",
        "test_clock",
        "transfer_data",
    }
)
"""Parameters that Stripe knows and that would change what happens: refused, because ignoring them would be a lie."""


def build_routes() -> Routes[Route]:
    routes: Routes[Route] = Routes()
    for method, path, handler, parameters in TABLE:
        lists = method == "GET" and not path.endswith("{id}")
        routes.add(method, path, Route(handler, parameters, _kind(path), lists))
    return routes


def _kind(path: str) -> str:
    """`/v1/customers/{id}/payment_methods` -> `payment_method`."""
    return [segment for segment in path.split("/") if segment.endswith("s")][-1].removesuffix("s")


def find_route(routes: Routes[Route], method: str, path: str) -> Match[Route]:
    match routes.find(method, path):
        case Match() as found:
            return found
        case _:
            raise UnknownRouteError(method, path)
