"""A driver's settings as fields of a form, from the JSON schema of its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rcg.capture.lights.kinds import Way


@dataclass(frozen=True)
class Setting:
    """A field of the form.

    Attributes:
        key: of the setting.
        title, hint: for people.
        kind: which control; values of ``number`` and ``choice`` are numbers.
        value: that it shows.
        required: whether there is no default.
        low, high: limits of a number.
        whole: whether the number has no fraction.
        options: of a choice.
    """

    key: str
    title: str
    hint: str
    kind: Literal["number", "switch", "choice", "text", "port"]
    value: Any
    required: bool = False
    low: float | None = None
    high: float | None = None
    whole: bool = False
    options: tuple[Any, ...] = ()


def settings_of(way: Way, values: Mapping[str, Any]) -> list[Setting]:
    """Return the fields of a driver, filled with values, else with defaults."""
    schema = way.config.model_json_schema()
    needed = schema.get("required", [])
    return [
        Setting(
            key=key,
            title=field.get("title", key),
            hint=_begun(field.get("description", "")),
            kind=_kind(key, field),
            value=values.get(key, field.get("default", "")),
            required=key in needed,
            low=field.get("minimum"),
            high=field.get("maximum"),
            whole=field.get("type") == "integer",
            options=tuple(field.get("enum", ())),
        )
        for key, field in schema["properties"].items()
    ]


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _kind(key: str, field: Mapping[str, Any]) -> Literal["number", "switch", "choice", "text", "port"]:
    if "enum" in field:
        return "choice"
    if field.get("type") == "boolean":
        return "switch"
    if field.get("type") in ("number", "integer"):
        return "number"
    return "port" if key == "port" else "text"
