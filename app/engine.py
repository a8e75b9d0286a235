"""Where the workflow engine keeps its records: beside the database, of the same kind."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from app.settings import Settings
from operations.engine import Engine, prepare_sqlite
from operations.liveness import FileSlots, PostgresSlots, Slots
from operations.tools import Tools
from operations.verbs import VERBS

ENGINE_FILE = "engine.sqlite"
_OUR_POOL = {"minsize", "maxsize"}  # what DATABASE_URL says to our pool alone


async def make_engine(settings: Settings, tools: Tools) -> Engine:
    slots: Slots
    if settings.on_sqlite:
        folder = database_folder(settings.database)
        system_database_url = prepare_sqlite(folder / ENGINE_FILE)
        slots = FileSlots(folder)
    else:
        system_database_url = postgresql_url(settings.database)
        slots = await PostgresSlots.connect(system_database_url)
    return Engine(verbs=VERBS, tools=tools, system_database_url=system_database_url, slots=slots)


def database_file(sqlite_url: str) -> Path:
    parts = urlsplit(sqlite_url)
    return Path(unquote(parts.netloc + parts.path)).absolute()


def database_folder(sqlite_url: str) -> Path:
    """Wherever DATA_DIR is: two services with one database must meet at one lock."""
    return database_file(sqlite_url).parent


def postgresql_url(url: str) -> str:
    """As other programs take it, without what it says to our pool alone."""
    parts = urlsplit(url)
    query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name not in _OUR_POOL], safe="/")
    return urlunsplit(parts._replace(scheme="postgresql", query=query))
