"""The sandbox's own admin key: made at the first start, kept in a file of the data folder, good for nothing else."""

import os
from pathlib import Path

from pydantic import SecretStr

from access.audit import command_line
from access.callers import Whereabouts, acting_as
from access.errors import NotAdmitted
from access.keys import caller_of_key, create_key
from access.scopes import Scope
from app.clock import system_now
from app.settings import Settings
from models.database import database

FILE = "sandbox.key"
NAME = "sandbox"


async def sandbox_key(settings: Settings) -> tuple[SecretStr, str]:
    """The key and its id; a new one where the old one is gone, or good no more."""
    path = settings.data_dir.absolute() / FILE
    async with database(settings.database):
        kept = path.read_text("ascii").strip() if path.exists() else ""
        try:
            caller = await caller_of_key(kept, Whereabouts(), at=system_now())
        except NotAdmitted:
            with acting_as(command_line()):
                made = await create_key(NAME, [Scope.ADMIN], live=False, at=system_now())
            _keep(path, made.secret.get_secret_value())
            return made.secret, made.row.id
    assert caller.key_id is not None
    return SecretStr(kept), caller.key_id


def _keep(path: Path, secret: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{secret}\n")
