"""Where the workflow engine keeps its records: beside the database, of the same kind."""

from app.settings import Settings
from operations.engine import Engine, prepare_sqlite
from operations.liveness import FileSlots, PostgresSlots, Slots
from operations.tools import Tools
from operations.verbs import VERBS


async def make_engine(settings: Settings, tools: Tools) -> Engine:
    url = settings.database
    slots: Slots
    if url.startswith("sqlite"):
        folder = settings.data_dir.absolute()
        system_database_url = prepare_sqlite(folder / "engine.sqlite")
        slots = FileSlots(folder)
    else:
        system_database_url = url.replace("postgres://", "postgresql://", 1)
        slots = await PostgresSlots.connect(system_database_url)
    return Engine(verbs=VERBS, tools=tools, system_database_url=system_database_url, slots=slots)
