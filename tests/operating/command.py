"""python -m app, as an operator runs it."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Said(NamedTuple):
    status: int
    out: str
    err: str


def app(*arguments: str, **environment: str) -> Said:
    """In a folder without a .env of a developer, and without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def in_terminal(*arguments: str, **environment: str) -> tuple[str, str]:
    """Standard output to a program, and standard error on a screen of its own."""
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", **environment},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as process:
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # how the end of a terminal is told
            while part := os.read(screen, 4096):
                shown += part
        out, _ = process.communicate()
    os.close(screen)
    return out, shown.decode()
