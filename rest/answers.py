from collections.abc import Mapping, Sequence

import orjson
from starlette.responses import Response

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None


def answer(body: Json, *, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


def refusal(code: str, message: str, *, status: int, field: str | None = None) -> Response:
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return answer({"error": error}, status=status)
