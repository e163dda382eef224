"""Puts the own authority into this computer's stores: the system's, and Firefox's and Chromium's (NSS)."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rcg.server.tls.authority import fingerprint
from rcg.server.tls.files import read_certificate


@dataclass(frozen=True)
class Store:
    """A place where certificates are trusted, and the commands that put ours there.

    Attributes:
        name: for people.
        commands: run one after the other.
        root: whether they need root.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    root: bool = False


# (folder of the anchors, how the file is called there, the command that takes them in)
_LINUX = (
    ("/usr/local/share/ca-certificates", ".crt", ("update-ca-certificates",)),
    ("/etc/pki/ca-trust/source/anchors", ".pem", ("update-ca-trust", "extract")),
    ("/etc/ca-certificates/trust-source/anchors", ".crt", ("trust", "extract-compat")),
    ("/usr/share/pki/trust/anchors", ".pem", ("update-ca-certificates",)),
)


def stores(authority: Path) -> list[Store]:
    """The stores of this computer that can be filled from here."""
    return [*_system(authority), *_nss(authority)]


def install(authority: Path, found: Sequence[Store]) -> Iterator[str]:
    """Fill the stores, saying what happens; what cannot be done is said with the way to do it by hand."""
    done = 0
    for store in found:
        commands = [_as_root(command) if store.root else command for command in store.commands]
        failure = next(filter(None, map(_run, commands)), "")
        if failure:
            yield f"{store.name}: not done ({failure}); by hand:"
            yield from (f"    {shlex.join(command)}" for command in commands)
        else:
            done += 1
            yield f"{store.name}: trusts the authority now"
    if not done or not any(store.name.startswith("browsers") for store in found):
        yield from by_hand(authority, found if not done else ())
    if done:
        yield "Restart the browser to take it in."


def by_hand(authority: Path, found: Sequence[Store]) -> Iterator[str]:
    """Say how a person does it."""
    certificate = read_certificate(authority)
    yield f"The authority's file is {authority}"
    if certificate is not None:
        yield f"Its SHA-256 fingerprint is {fingerprint(certificate)}"
    for store in found:
        yield f"{store.name}:"
        yield from (f"    {shlex.join(_as_root(c) if store.root else c)}" for c in store.commands)
    yield "Chromium, Chrome: Settings, Privacy, Security, Manage certificates, Authorities, Import."
    yield "Firefox: Settings, Privacy & Security, View Certificates, Authorities, Import; tick websites."
    if sys.platform.startswith("linux") and shutil.which("certutil") is None:
        yield "With certutil (Debian: sudo apt install libnss3-tools) `rcg certs trust` does both for you."
    if _is_wsl():
        yield "Windows around WSL, in its terminal, so that the browsers of Windows trust it:"
        yield f'    certutil.exe -user -addstore Root "$(wslpath -w {shlex.quote(str(authority))})"'


def _system(authority: Path) -> Iterator[Store]:
    if sys.platform == "darwin":
        keychain = str(Path.home() / "Library/Keychains/login.keychain-db")
        command = ("security", "add-trusted-cert", "-r", "trustRoot", "-k", keychain, str(authority))
        yield Store("login keychain of macOS", (command,))
        return
    for folder, suffix, refresh in _LINUX:
        if Path(folder).is_dir() and shutil.which(refresh[0], path=_PATH):
            target = f"{folder}/rcg-local-ca{suffix}"
            copy = ("install", "-m", "0644", str(authority), target)
            yield Store("system store", (copy, refresh), root=True)
            return


def _nss(authority: Path) -> Iterator[Store]:
    """The databases of Chromium and Firefox; they ignore the system store on Linux."""
    certutil = shutil.which("certutil")
    if certutil is None or sys.platform == "darwin":  # macOS has another program of this name
        return
    home = Path.home()
    common = home / ".pki/nssdb"
    if not (common / "cert9.db").is_file() and _has_chromium():
        common.mkdir(mode=0o700, parents=True, exist_ok=True)
        _run((certutil, "-d", f"sql:{common}", "-N", "--empty-password"))
    folders = [common, *home.glob(".mozilla/firefox/*"), *home.glob("snap/firefox/common/.mozilla/firefox/*"),
               *home.glob("snap/chromium/current/.pki/nssdb")]  # fmt: skip
    for folder in folders:
        if (folder / "cert9.db").is_file():
            add = (
                certutil,
                "-d",
                f"sql:{folder}",
                "-A",
                "-t",
                "C,,",
                "-n",
                "RCG local CA",
                "-i",
                str(authority),
            )
            yield Store(f"browsers ({folder})", (add,))


_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin"))


def _has_chromium() -> bool:
    return any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))


def _as_root(command: tuple[str, ...]) -> tuple[str, ...]:
    return command if os.geteuid() == 0 else ("sudo", *command)


def _run(command: tuple[str, ...]) -> str:
    """Run a command; return why it failed, empty when it did not. A password prompt of sudo reaches the
    user."""
    try:
        done = subprocess.run(
            command, check=False, stderr=subprocess.PIPE, text=True, env=os.environ | {"PATH": _PATH}
        )
    except OSError as error:
        return f"{command[0]}: {error.strerror or error}"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _is_wsl() -> bool:
    try:
        return "microsoft" in Path("/proc/version").read_text("utf-8").lower()
    except OSError:
        return False
