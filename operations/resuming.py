from collections.abc import Callable
from datetime import datetime

from operations.ending import unpark
from operations.engine import Engine


async def resume(operation_id: str, engine: Engine, now: Callable[[], datetime]) -> bool:
    """Take up an operation that waits for its payer. False: it does not wait, so somebody else has, or it had ended."""
    operation = await unpark(operation_id, at=now())
    if operation is None:
        return False
    await engine.run(operation.id, operation.kind, leg=operation.leg)
    return True
