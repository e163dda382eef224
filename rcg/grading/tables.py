"""Centering tables of the grading companies: read from data, checked, inheritance resolved."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from rcg.grading.schema import Model, SideName

STANDARD_IDS: Final = ("psa", "bgs", "cgc", "sgc", "tag_tcg", "tag_sports")
RESOLUTION: Final = 0.1
"""percent points to which shares are rounded before they are compared with a row"""


class Row(Model):
    """One published row: the larger border's largest share that the grade allows."""

    grade: str
    label: str
    value: float
    front: float | None = Field(default=None, ge=50, le=100)
    back: float | None = Field(default=None, ge=50, le=100)


class Standard(Model):
    """One company's centering table, best grade first.

    ``statistic`` says which of the measured shares the table is compared with: ``worst`` pair or ``mean``.
    """

    id: str
    title: str
    inherit: str | None = None
    statistic: Literal["worst", "mean"]
    statistic_note: str
    provenance: str
    provenance_kind: Literal["official", "official_capture", "second_hand"]
    checked: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    notes: list[str] = Field(default_factory=list)
    rows: list[Row] = Field(min_length=1)

    @model_validator(mode="after")
    def _descending(self) -> Self:
        values = [row.value for row in self.rows]
        if values != sorted(set(values), reverse=True):
            raise ValueError(f"{self.id}: rows must run from the best grade to the worst, each once")
        for side in ("front", "back"):
            limits = [limit for row in self.rows if (limit := getattr(row, side)) is not None]
            if limits != sorted(limits):
                raise ValueError(f"{self.id}: the {side} limits must not tighten towards worse grades")
        return self

    def limit(self, row: Row, side: SideName) -> float | None:
        """Return the side's limit at a row; where the row is silent, that of the next worse row that
        speaks."""
        below = self.rows[self.rows.index(row) :]
        return next((v for r in below if (v := getattr(r, side)) is not None), None)

    def ceiling(self, shares: dict[SideName, float]) -> Row | None:
        """Return the best row that the larger shares (percent, one per measured side) allow; None: below
        every row."""
        return next((row for row in self.rows if not self.offenders(row, shares)), None)

    def offenders(self, row: Row, shares: dict[SideName, float]) -> list[SideName]:
        """Return the sides whose share is over the row's limit, shares rounded to :data:`RESOLUTION`."""
        over: list[SideName] = []
        for side, share in shares.items():
            limit = self.limit(row, side)
            if limit is not None and round(share, 1) > limit + 1e-9:
                over.append(side)
        return over


def read_data(name: str) -> bytes:
    """Return the bytes of one standard's file."""
    return (files("rcg.grading") / "standards" / f"{name}.toml").read_bytes()


@cache
def load_standard(name: str) -> Standard:
    """Read one standard by id, its inherited rows filled in.

    Raises:
        pydantic.ValidationError: the data is not a valid table.
    """
    raw: dict[str, Any] = tomllib.loads(read_data(name).decode())
    own = Standard.model_validate(raw)
    if own.inherit is None:
        return own
    grades = {row.grade for row in own.rows}
    rows = [*own.rows, *(row for row in load_standard(own.inherit).rows if row.grade not in grades)]
    rows.sort(key=lambda row: -row.value)
    if any(row.back is None for row in own.rows):
        silent = min(row.value for row in own.rows if row.back is None)
        rows = [row.model_copy(update={"back": None}) if row.value < silent else row for row in rows]
    return own.model_copy(update={"rows": rows})


def standards_hash() -> str:
    """Return the first 16 hex digits of the SHA-256 over all standards' data."""
    digest = hashlib.sha256()
    for name in (*STANDARD_IDS, "rcg"):
        digest.update(name.encode() + b"\0" + read_data(name))
    return digest.hexdigest()[:16]
