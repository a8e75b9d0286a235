"""Named places where the process may be killed from outside a test, to prove that nothing is lost there.

`CRASH_AT=<name>` kills the process the first time it passes that place, as `kill -9` would: no handler runs,
no transaction ends. `CRASH_LOG=<file>` lists every place passed, so that a matrix over them finds new ones by itself.
"""

import os
import signal
from pathlib import Path


def crashpoint(name: str) -> None:
    if log := os.environ.get("CRASH_LOG"):
        with Path(log).open("a", encoding="utf-8") as places:
            places.write(f"{name}\n")
    if os.environ.get("CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
