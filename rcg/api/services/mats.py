"""The printed mat: its sheet, and how large it came out of the printer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rcg.api.mat_schemas import PrintOut
from rcg.store.repositories import preferences

if TYPE_CHECKING:
    from rcg.container import Container


def printed(container: Container) -> PrintOut:
    """Return what was measured of the printed mat."""
    with container.db.read() as session:
        row = preferences.find(session, preferences.MAT)
        return PrintOut(
            bar_mm=None if row is None else float(row.value["bar_mm"]),
            scale=preferences.mat_scale(session),
            measured_at=None if row is None else row.updated_at,
        )


def measured(container: Container, bar_mm: float) -> PrintOut:
    """Keep the measured length of the bar; gradings from now on use it."""
    with container.db.write() as session:
        preferences.put(session, preferences.MAT, {"bar_mm": bar_mm})
    return printed(container)


def forget(container: Container) -> None:
    """Forget the measurement, as after printing the mat anew."""
    with container.db.write() as session:
        preferences.forget(session, preferences.MAT)
