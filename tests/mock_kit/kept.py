"""Waiting until a running sandbox has written something down."""

import asyncio
from pathlib import Path


async def until_written(path: Path, *, holds: str) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(_holds, path, holds.encode()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)


def _holds(path: Path, content: bytes) -> bool:
    return path.exists() and content in path.read_bytes()
