from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "crash"))

from jobs_kit import known_kinds


@pytest.fixture(autouse=True)
def _test_kinds():
    with known_kinds():
        yield
