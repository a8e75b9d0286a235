"""The web UI is a part that may be missing: without Node everything else goes on, and one line says how to get it."""

import subprocess
import sys
from pathlib import Path

from tests.operating.command import ROOT

SENTENCE = (
    "web UI: not built, Node.js 20.9 or newer is not on the PATH (https://nodejs.org); API and GraphiQL work without"
)


def test_without_node_one_line_says_how_to_get_it_and_nothing_fails(tmp_path: Path) -> None:
    for needed in ("frontend", "schema"):
        (tmp_path / needed).symlink_to(ROOT / needed)

    done = subprocess.run(
        [sys.executable, "-m", "tools.build_web"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, [SENTENCE], "")
    assert not (tmp_path / "build").exists()
