"""The order of the tests: quick ones first, the browser's last.

Playwright's synchronous interface keeps an event loop in the main thread until the session ends, and no later
test could call ``asyncio.run``.
"""

from __future__ import annotations

from pathlib import Path

ORDER = ("unit", "integration", "crash", "browser")
ROOT = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Sort by folder; within a folder the order stays."""

    def place(item):
        folder = item.path.relative_to(ROOT).parts[0]
        return ORDER.index(folder) if folder in ORDER else len(ORDER)

    items.sort(key=place)
