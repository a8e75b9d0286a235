from typing import Literal, NotRequired, TypedDict


class WebhookEndpoint(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    api_version: str | None
    application: None
    created: int
    description: str | None
    enabled_events: list[str]
    livemode: Literal[False]
    metadata: dict[str, str]
    secret: NotRequired[str]
    status: Literal["enabled", "disabled"]
    url: str


class DeletedWebhookEndpoint(TypedDict):
    id: str
    object: Literal["webhook_endpoint"]
    deleted: Literal[True]
