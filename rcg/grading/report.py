"""The report as canonical JSON: sorted keys, figures rounded per quantity, the same bytes for the same
report."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from rcg.grading.schema import GradeReport

_DIGITS: Final[tuple[tuple[str, int], ...]] = (
    ("_mm2", 4),
    ("_mm", 4),
    ("_um", 2),
    ("_px", 3),
    ("_deg", 3),
    ("score", 1),
    ("cost", 1),
    ("low", 1),
    ("high", 1),
    ("mean_se", 3),
    ("mean", 2),
    ("worst", 2),
    ("position", 1),
    ("confidence", 3),
    ("coverage", 3),
    ("support", 3),
    ("wander", 4),
    ("contrast", 2),
)
_PAIRS: Final = ("mean", "worst")
_EXACT: Final = ("value", "assumed_elevation_deg")


def _digits(key: str) -> int:
    return next((digits for suffix, digits in _DIGITS if key.endswith(suffix)), 4)


def _rounded(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        if key in _PAIRS and len(value) == 2:
            first = round(float(value[0]), 2)
            return [first, round(100 - first, 2)]
        return [_rounded(item, key) for item in value]
    if isinstance(value, float) and key not in _EXACT:
        return round(value, _digits(key)) + 0.0
    return value


def rounded(model: BaseModel) -> dict[str, Any]:
    """Return a report, or a part of one, as JSON-able data with every figure rounded for its quantity.

    mm to 4 digits, micrometres 2, percent 2 (a pair still sums to 100), degrees 3, scores 1.
    """
    data: dict[str, Any] = _rounded(model.model_dump(mode="json", by_alias=True))
    return data


def to_json(report: BaseModel) -> bytes:
    """Return the canonical bytes: UTF-8, sorted keys, two spaces, a newline at the end."""
    text = json.dumps(rounded(report), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the report, as ``rcg schema grade`` prints it."""
    return GradeReport.model_json_schema(by_alias=True, mode="serialization")
