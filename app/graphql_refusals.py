"""Requests that end before GraphQL: one shape for every reason, on every transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.exceptions import HTTPException as StarletteHTTPException

from schema.extensions import masked
from schema.request_errors import RequestErrorCode

CODES = {
    401: RequestErrorCode.UNAUTHENTICATED,
    403: RequestErrorCode.FORBIDDEN,
    404: RequestErrorCode.NOT_FOUND,
    429: RequestErrorCode.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    status: int
    error: GraphQLError
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal_for(fault: Exception) -> Refusal:
    """HTTP exceptions keep their status, words and headers; anything else is logged and masked."""
    if isinstance(fault, HTTPException):
        return _refusal(fault.status_code, fault.reason, {})
    if isinstance(fault, StarletteHTTPException):
        return _refusal(fault.status_code, fault.detail, fault.headers or {})
    return Refusal(status=500, error=masked(fault))


def _refusal(status: int, message: str, headers: Mapping[str, str]) -> Refusal:
    extensions: dict[str, object] = {"code": CODES.get(status, RequestErrorCode.BAD_REQUEST)}
    if "retry-after" in headers:
        extensions["retryAfterSeconds"] = int(headers["retry-after"])  # a WebSocket's answer has no headers
    return Refusal(status=status, error=GraphQLError(message, extensions=extensions), headers=headers)
