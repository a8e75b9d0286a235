"""Everything REST answers with: JSON, and for what went wrong `{"error": {"code", "message", "field"}}`."""

from collections.abc import Mapping, Sequence

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from billing.errors import BillingError, Conflict, CustomerNotFound
from schema.extensions import masked

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    429: "RATE_LIMITED",
    415: "UNSUPPORTED_MEDIA_TYPE",
    503: "TIMEOUT",
}


def answer(body: Json, *, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def refusal(code: str, message: str, *, status: int, field: str | None = None) -> Response:
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return answer({"error": error}, status=status)


async def refused(_: Request, problem: Exception) -> Response:
    """What the caller can act on."""
    assert isinstance(problem, BillingError)
    status = 404 if isinstance(problem, CustomerNotFound) else 409 if isinstance(problem, Conflict) else 422
    return refusal(problem.code.value, f"{problem}.", status=status, field=problem.field)


async def not_allowed(_: Request, problem: Exception) -> Response:
    """Known, but not for this."""
    return refusal("FORBIDDEN", str(problem), status=403)


async def not_served(_: Request, problem: Exception) -> Response:
    """No such address, method or media type."""
    assert isinstance(problem, HTTPException)
    code = CODES.get(problem.status_code, "BAD_REQUEST")
    answered = refusal(code, problem.detail, status=problem.status_code)
    answered.headers.update(problem.headers or {})
    return answered


async def failed(_: Request, fault: Exception) -> Response:
    """A fault of ours: the log has it, the caller gets the id it is logged under."""
    told = masked(fault).extensions or {}
    error = {"code": "INTERNAL", "message": "Unexpected error.", "correlationId": str(told["correlationId"])}
    return answer({"error": error}, status=500)
