from mock_stripe.account import Account
from mock_stripe.call import Call
from mock_stripe.errors import NoSuchObjectError, ParameterError
from mock_stripe.lists import ListObject, list_page
from mock_stripe.metadata import merge_metadata
from mock_stripe.objects.webhook_endpoint import DeletedWebhookEndpoint, WebhookEndpoint

MOST_ENDPOINTS = 16


def create(account: Account, call: Call) -> WebhookEndpoint:
    """The only answer that has the secret."""
    params = call.params
    if len(account.store.webhook_endpoints) >= MOST_ENDPOINTS:
        raise ParameterError(f"You have reached the maximum of {MOST_ENDPOINTS} test webhook endpoints.")
    endpoint: WebhookEndpoint = {
        "id": account.new_id("we"),
        "object": "webhook_endpoint",
        "api_version": params.text("api_version"),
        "application": None,
        "created": account.now(),
        "description": params.text("description"),
        "enabled_events": params.texts("enabled_events"),
        "livemode": False,
        "metadata": merge_metadata({}, params),
        "status": "enabled",
        "url": _url(params.required("url")),
    }
    secret = f"whsec_{account.ids.token(32)}"
    account.store.webhook_endpoints.add(endpoint["id"], endpoint)
    account.outbox.open(endpoint, secrets=(secret,))
    return {**endpoint, "secret": secret}


def retrieve(account: Account, call: Call) -> WebhookEndpoint:
    return _open(account, call.id)


def update(account: Account, call: Call) -> WebhookEndpoint:
    endpoint, params = _open(account, call.id), call.params
    if params.given("enabled_events"):
        endpoint["enabled_events"] = params.texts("enabled_events")
    if params.given("url"):
        endpoint["url"] = _url(params.required("url"))
    if params.given("description"):
        endpoint["description"] = params.text("description")
    if (disabled := params.flag("disabled")) is not None:
        endpoint["status"] = "disabled" if disabled else "enabled"
    endpoint["metadata"] = merge_metadata(endpoint["metadata"], params)
    account.outbox.change(endpoint)
    return endpoint


def delete(account: Account, call: Call) -> DeletedWebhookEndpoint:
    endpoint = _open(account, call.id)
    account.store.webhook_endpoints.remove(endpoint["id"])
    account.outbox.close(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def list_all(account: Account, call: Call) -> ListObject:
    rows = [row for row in account.store.webhook_endpoints if account.outbox.is_open(row["id"])]
    return list_page(rows, call, noun="webhook endpoint")


def _open(account: Account, endpoint_id: str) -> WebhookEndpoint:
    """Not one that was closed through the control routes."""
    if not account.outbox.is_open(endpoint_id):
        raise NoSuchObjectError("webhook endpoint", endpoint_id, param="webhook_endpoint")
    return account.store.webhook_endpoints.get(endpoint_id, param="webhook_endpoint")


def _url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ParameterError("Invalid URL: An explicit scheme (such as https) must be provided.", param="url")
    return url
