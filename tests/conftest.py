"""The order of the tests: quick ones first, the browser's last; side by side, files of long tests first.

Playwright's synchronous interface keeps an event loop in the main thread until the session ends, and no later
test could call ``asyncio.run``.
"""

from __future__ import annotations

import gc
from pathlib import Path

ORDER = ("unit", "integration", "crash", "browser")
LONG = ("integration", "unit/grading", "unit/photometric", "unit/training", "unit/datasets")
"""what runs first where workers share the tests, so that no long file is left for the end"""
ROOT = Path(__file__).parent

# Torch and its like leave half a million objects to look through: a sixth of small tests' time by default.
gc.set_threshold(50_000, 10, 10)


def pytest_collection_modifyitems(config, items):
    """Sort by folder; within a folder the order stays."""
    shared = hasattr(config, "workerinput")

    def place(item):
        path = item.path.relative_to(ROOT)
        if shared:
            return next((at for at, name in enumerate(LONG) if path.is_relative_to(name)), len(LONG))
        folder = path.parts[0]
        return ORDER.index(folder) if folder in ORDER else len(ORDER)

    items.sort(key=place)
