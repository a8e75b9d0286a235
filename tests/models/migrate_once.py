"""One of several processes that migrate the same database: `python -m tests.models.migrate_once URL`."""

import asyncio
import sys

from models.migrating import migrate

if __name__ == "__main__":
    sys.stdout.write(" ".join(asyncio.run(migrate(sys.argv[1]))))
