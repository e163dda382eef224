"""The pins: the lock files and uv's constraints agree, and no tracked file names a registry host."""

import re
import subprocess
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# Put together here, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("files", "pythonhosted", "org"),
        ("pypi", "org", "simple"),
        ("pypi", "org/simple"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("npmmirror", "com"),
        ("tuna", "tsinghua", "edu"),
    )
]


def tool():
    spec = spec_from_file_location("write_constraints", CHECKOUT / "scripts/write_constraints.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lock(name: str) -> str:
    return (CHECKOUT / name).read_text()


def test_uv_is_held_to_the_versions_of_the_lock_file():
    constraints = tomllib.loads(lock("pyproject.toml"))["tool"]["uv"]["constraint-dependencies"]
    assert constraints == tool().pins(lock("requirements-dev.lock"))


def test_what_tests_run_on_is_what_rcg_runs_on():
    assert set(tool().pins(lock("requirements.lock"))) <= set(tool().pins(lock("requirements-dev.lock")))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes(name):
    text = lock(name)
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(tool().pins(text)) > 40
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)


def test_every_dependency_is_pinned():
    project = tomllib.loads(lock("pyproject.toml"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    pinned = {re.split(r"==", pin)[0] for pin in tool().pins(lock("requirements-dev.lock"))}
    assert {re.split(r"[><=\[; ]", name)[0] for name in wanted} <= pinned


def test_no_tracked_file_names_a_registry_host():
    found = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip("this is no git checkout")
    guilty = []
    for name in filter(None, found.stdout.decode().split("\0")):
        file = CHECKOUT / name
        text = file.read_bytes().decode(errors="replace") if file.is_file() else ""
        guilty += [f"{name}: {host}" for host in HOSTS if host in text]
    assert guilty == []
