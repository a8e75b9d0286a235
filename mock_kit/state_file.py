"""What a sandbox knows, in a file, so that its next start goes on from there.

The content is a pickle: the sandbox's own dataclasses, for a tool on one machine. A pickle from someone else could run
code, so the file must belong to the user, be writable by nobody else, and name nothing but the sandbox's own classes.
"""

import fcntl
import hashlib
import io
import os
import pickle
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import get_args, get_type_hints

FORMAT = 1
"""To be raised when what is kept changes its meaning; a change of the classes' fields is noticed without it."""

OUR_KIT = "mock_kit"
PLAIN = frozenset(
    {
        ("builtins", "frozenset"),
        ("builtins", "set"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
    }
)


class StateUnusable(Exception):  # noqa: N818 - says what is wrong with the file
    """One sentence, with what to do about it."""


class StateFile:
    """Held by one process at a time, from `open` to `close`."""

    def __init__(self, path: Path, *, name: str, classes: tuple[type, ...]) -> None:
        self.path = path
        self._heading = f"{name} state, format {FORMAT}, shape {shape_of(classes)}, sha256 "
        self._packages = frozenset({OUR_KIT, *(kind.__module__.partition(".")[0] for kind in classes)})
        self._held: int | None = None

    def open(self) -> object | None:
        """What the last process left; None in a new place. StateUnusable when it cannot be gone on from."""
        try:
            self._hold()
            content = self._read() if os.path.lexists(self.path) else None
        except OSError as error:
            raise StateUnusable(f"{self.path} cannot be used: {error.strerror}.") from None
        return None if content is None else self._parse(content)

    def write(self, payload: bytes) -> None:
        """Whole or not at all, also in a power cut."""
        heading = self._heading + hashlib.sha256(payload).hexdigest() + "\n"
        replace_file(self.path, heading.encode() + payload)

    def close(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _hold(self) -> None:
        """A lock beside the file, which itself is replaced at every write. The system lets go of it."""
        lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StateUnusable(f"{self.path} is in use by another process.") from None
        self._held = lock

    def _read(self) -> bytes:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                raise StateUnusable(f"{self.path} is not a file that only you can write to; delete it to begin anew.")
            return file.read()

    def _parse(self, content: bytes) -> object:
        first, _, payload = content.partition(b"\n")
        heading = first.decode(errors="replace")
        if not heading.startswith(self._heading):
            raise StateUnusable(f"{self.path} was written by another version; delete it to begin anew.")
        if heading.removeprefix(self._heading) != hashlib.sha256(payload).hexdigest():
            raise StateUnusable(f"{self.path} is damaged; delete it to begin anew.")
        try:
            return _Unpickler(payload, packages=self._packages).load()
        except (pickle.UnpicklingError, AttributeError, ImportError) as error:
            raise StateUnusable(f"{self.path} cannot be read ({error}); delete it to begin anew.") from None


class _Unpickler(pickle.Unpickler):
    def __init__(self, payload: bytes, *, packages: frozenset[str]) -> None:
        super().__init__(io.BytesIO(payload))
        self._packages = packages

    def find_class(self, module: str, name: str) -> object:
        # A dotted name would reach through a module of ours into what it imported.
        ours = module.partition(".")[0] in self._packages and "." not in name
        if ours or (module, name) in PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def replace_file(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def shape_of(classes: Iterable[type]) -> str:
    """A digest of the names of all classes and fields that can be reached from these."""
    waiting: list[object] = list(classes)
    seen: dict[str, list[str]] = {}
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if not isinstance(kind, type) or kind.__module__ == "builtins" or _name(kind) in seen:
            continue
        hints = get_type_hints(kind) if hasattr(kind, "__annotations__") else {}
        seen[_name(kind)] = sorted(hints)
        waiting += hints.values()
    return hashlib.sha256(repr(sorted(seen.items())).encode()).hexdigest()[:16]


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
