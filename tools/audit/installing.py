"""The tools of the audits, in places of their own under build/: neither the service nor its tests need them."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.audit.verdict import AuditBroken
from tools.fetch_graphiql import FetchFailed, npm_command

CONSTRAINTS = Path("constraints-audit.txt")
NPM_FILES = Path(__file__).parent / "npm"
NPM_NAMES = ("package.json", "package-lock.json", ".npmrc", "server-audits.cjs")


@dataclass(frozen=True, slots=True)
class Tools:
    programs: Path
    """The folder of `schemathesis` and `clairvoyance`."""
    npm: Path
    """The folder of `server-audits.cjs` and what it needs."""


def install(folder: Path) -> Tools:
    """Once for each state of the lock files."""
    environment, npm = folder / "venv", folder / "npm"
    _once(environment, [CONSTRAINTS], lambda: _install_python(environment))
    _once(npm, [NPM_FILES / name for name in NPM_NAMES], lambda: _install_npm(npm))
    return Tools(programs=environment / "bin", npm=npm)


def _once(target: Path, sources: Sequence[Path], make: Callable[[], None]) -> None:
    state = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = target / ".complete"
    if not stamp.exists() or stamp.read_text() != state:
        shutil.rmtree(target, ignore_errors=True)
        make()
        stamp.write_text(state)


def _install_python(environment: Path) -> None:
    _run([sys.executable, "-m", "venv", str(environment)])
    options = ["-q", "--disable-pip-version-check", "--require-hashes", "-r", str(CONSTRAINTS)]
    _run([str(environment / "bin" / "python"), "-m", "pip", "install", *options])


def _install_npm(npm: Path) -> None:
    npm.mkdir(parents=True)
    for name in NPM_NAMES:
        shutil.copy(NPM_FILES / name, npm / name)
    try:
        command = npm_command()
    except FetchFailed as problem:
        raise AuditBroken(str(problem)) from None
    _run([*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], folder=npm)


def _run(command: Sequence[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  our own list
    if done.returncode != 0:
        raise AuditBroken(f"{' '.join(command[:4])} failed: {(done.stderr or done.stdout).strip()[-500:]}")
