"""The draft of a run spec: options that were set, options that are proposed, and the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from rcg.errors import InputError
from rcg.training.architectures import architecture as named
from rcg.training.fields import FIELDS, coerce, unknown
from rcg.training.spec import KnownWeights, RunSpec, say


@dataclass(frozen=True)
class Field:
    """An option as it stands in the plan.

    Attributes:
        key: dotted, as in the spec.
        value: what the spec holds; ``default``: what is proposed.
        choices: (value, title) to choose from; empty: any value of the type.
        reason: why that is proposed.
    """

    key: str
    title: str
    group: str
    type: str
    value: Any
    default: Any
    minimum: float | None
    maximum: float | None
    choices: list[dict[str, Any]]
    unit: str
    reason: str


@dataclass
class Draft:
    """Collects fields; a value that was set goes before the proposed one."""

    overrides: dict[str, Any]
    fields: list[Field] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    coverage: float | None = None
    begins_with: KnownWeights | None = None

    def pick(self, key: str, default: Any, reason: str, choices: Mapping[Any, str] | None = None) -> Any:
        """Take an option's value: what was set, else ``default``; return it.

        Args:
            key: dotted, of :data:`rcg.training.fields.FIELDS`.
            default: what is proposed, for ``reason``.
            choices: value -> title, where it is one of some.

        Raises:
            InputError: what was set is of a wrong type, out of range or none of the choices.
        """
        info = FIELDS[key]
        value = coerce(key, self.overrides[key]) if key in self.overrides else default
        if choices is not None and info.type == "choice" and value not in choices:
            raise InputError(
                f"{info.title} ({key}) cannot be {str(value)[:80]!r}.",
                f"Choose {', '.join(map(str, choices))}.",
                field=key,
            )
        self.values[key] = value
        offered = [{"value": one, "title": title} for one, title in (choices or {}).items()]
        self.fields.append(
            Field(
                key, info.title, info.group, info.type, _plain(value), _plain(default), info.minimum,
                info.maximum, offered, info.unit, reason,
            )
        )  # fmt: skip
        return value

    def spec(self, **fixed: Any) -> RunSpec:
        """Return the spec of all values that were taken, with dataset, architecture and preset.

        Raises:
            InputError: an option was set that this architecture does not have, or the values do not fit.
        """
        left = sorted(set(self.overrides) - set(self.values))
        if left:
            if left[0] in FIELDS:
                raise InputError(
                    f"The option {left[0]!r} is none of this architecture.", "Leave it out.", field=left[0]
                )
            raise unknown(left[0])
        data: dict[str, Any] = dict(fixed)
        for key, value in self.values.items():
            at, *rest = key.split(".")
            if rest:
                data.setdefault(at, {})[rest[0]] = value
            else:
                data[at] = value
        data["model"]["type"] = named(fixed["architecture"]).options
        try:
            return RunSpec.model_validate(data)
        except ValidationError as error:
            where = ".".join(
                str(part)
                for part in error.errors()[0]["loc"]
                if isinstance(part, str) and part not in {"mask", "points"}
            )
            detail, hint = say(error)
            raise InputError(detail, hint, field=where or "input_size") from error


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
