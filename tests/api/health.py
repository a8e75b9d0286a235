"""Asking the service how it is."""

from typing import Any

import httpx


async def components(http: httpx.AsyncClient, *, status: int) -> dict[str, tuple[str, str | None]]:
    answer = await http.get("/health/ready")
    assert answer.status_code == status
    body: dict[str, Any] = answer.json()
    assert body["status"] == ("ok" if status == 200 else "unavailable")
    return {name: (each["status"], each["problem"]) for name, each in body["components"].items()}
