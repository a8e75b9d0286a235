"""python -m app.child <module> [argument ...]: the module as a program that ends with whoever started it.

The parent keeps the other end of this process's standard input and writes nothing there. However the parent ends, by
`kill -9` too, the system closes that end, and the reading below returns.
"""

import os
import runpy
import signal
import sys
import threading
import time

STOP_SECONDS = 30.0


def main() -> None:
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    while os.read(sys.__stdin__.fileno(), 1):  # type: ignore[union-attr]  # started with a pipe
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
