"""Builds the web UI into build/web, unless what is there was built from the same sources; checks its weight.

python -m tools.build_web [--check]     with --check: types, lint and documents instead of a build
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

FRONTEND = Path("frontend")
SDL = Path("schema/schema.graphql")
BUILT = Path("build/web")
STAMP = ".built-from"
NOT_SOURCES = {"node_modules", ".next", "out", "next-env.d.ts", "graphql-env.d.ts", "tsconfig.tsbuildinfo"}

LEAST_NODE = (20, 9)
BUDGET_KIB = 200
PAGE_SCRIPT = re.compile(r'<script(?P<attributes>[^>]*?)\ssrc="(?P<path>/[^"]+\.js)"(?P<more>[^>]*)>')

NO_NODE = (
    "web UI: not built, Node.js 20.9 or newer is not on the PATH (https://nodejs.org); API and GraphiQL work without"
)


class BuildFailed(Exception):  # noqa: N818  named for what happened, as all our errors
    pass


def sources() -> Iterator[Path]:
    yield SDL
    for path in sorted(FRONTEND.rglob("*")):
        if path.is_file() and not NOT_SOURCES.intersection(path.relative_to(FRONTEND).parts):
            yield path


def fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sources():
        digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def has_node() -> bool:
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    said = subprocess.check_output(["node", "--version"], text=True)  # noqa: S607  of any system
    numbers = [int(part) for part in re.findall(r"\d+", said)[:2]]
    return tuple(numbers) >= LEAST_NODE


def install() -> None:
    """As the lock file says, and only when that changed. No package's own scripts are run."""
    lock, installed = FRONTEND / "package-lock.json", FRONTEND / "node_modules" / ".installed-from"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if installed.is_file() and installed.read_text() == wanted:
        return
    click.echo("web UI: installing its packages, once")
    _npm("ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error")
    installed.write_text(wanted)


def build() -> None:
    click.echo("web UI: building it; this takes a minute, once")
    _npm("run", "--silent", "build", quietly=True)
    _replace(FRONTEND / "out", BUILT)


def check() -> None:
    install()
    _npm("run", "--silent", "check")


def first_load_kib(page: Path) -> float:
    """What a modern browser fetches of JavaScript before the page works, compressed."""
    scripts = {
        match["path"]
        for match in PAGE_SCRIPT.finditer(page.read_text("utf-8"))
        if "nomodule" not in (match["attributes"] + match["more"]).lower()
    }
    sizes = [len(gzip.compress((BUILT / path.lstrip("/")).read_bytes(), 9, mtime=0)) for path in scripts]
    return sum(sizes) / 1024


def weigh() -> None:
    """Told for every page; the dashboard has a budget."""
    weights = {page.parent.relative_to(BUILT).as_posix(): first_load_kib(page) for page in BUILT.rglob("index.html")}
    heaviest = max(weights, key=lambda path: weights[path])
    dashboard = weights["."]
    click.echo(
        f"web UI: JavaScript on first load, compressed: dashboard {dashboard:.0f} KiB of {BUDGET_KIB}, "
        f"heaviest page /{heaviest} {weights[heaviest]:.0f} KiB"
    )
    if dashboard > BUDGET_KIB:
        raise BuildFailed("the dashboard's JavaScript is over its budget")


def _npm(*arguments: str, quietly: bool = False) -> None:
    outcome = subprocess.run(  # noqa: S603  our own arguments
        ["npm", *arguments],  # noqa: S607  of any system
        cwd=FRONTEND,
        env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1"},
        stdout=subprocess.PIPE if quietly else None,
        stderr=subprocess.STDOUT if quietly else None,
        text=True,
        check=False,
    )
    if outcome.returncode:
        click.echo(outcome.stdout or "", nl=False)
        raise BuildFailed(f"npm {' '.join(arguments)} failed")


def _replace(made: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(made, target)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="types, lint and documents instead of a build")
    wanted = parser.parse_args()
    stamp, built_from = BUILT / STAMP, fingerprint()
    if not wanted.check and stamp.is_file() and stamp.read_text() == built_from:
        return 0
    if not has_node():
        click.echo(NO_NODE)
        return 0
    try:
        if wanted.check:
            check()
        else:
            install()
            build()
            weigh()
            stamp.write_text(built_from)
    except BuildFailed as problem:
        click.echo(f"web UI: {problem}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
