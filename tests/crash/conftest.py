from __future__ import annotations

import pytest
from jobs_kit import known_kinds


@pytest.fixture(autouse=True)
def _test_kinds():
    with known_kinds():
        yield
