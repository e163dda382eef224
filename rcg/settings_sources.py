"""Loads the settings and, when they are broken, says where: file, line, key, and what was probably meant.

pydantic alone says "Extra inputs are not permitted"; a person needs the line to change.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from rcg.errors import StartError
from rcg.settings import Settings
from rcg.settings_places import ENV_PREFIX, TomlError, env_name, files, has, line_of, names, read_toml

NOT_SETTINGS = ("RCG_HOME", "RCG_TEST_", "RCG_SKIP_")
"""environment variables (or their beginnings) of this name that are no settings"""


class SettingsError(StartError):
    """The settings are broken; ``data["problems"]`` lists every problem as one sentence each."""

    code = "broken_settings"


def load(**flags: Any) -> Settings:
    """Read and check all settings.

    Args:
        flags: values from the command line e.g. ``server__port=9000``; None is left out.

    Raises:
        SettingsError: naming each problem with its file, line and key.
    """
    given = nested({name: value for name, value in flags.items() if value is not None})
    found = problems()
    if found:
        raise _error(found)
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _error([_sentence(dict(item), given) for item in error.errors()]) from error


def problems() -> list[str]:
    """What is wrong in the files and the environment, a sentence each: syntax and unknown keys."""
    found: list[str] = []
    for file in files():
        try:
            tree = read_toml(file)
        except TomlError as error:
            found.append(error.detail)
            continue
        for key in _unknown(tree, Settings):
            line = line_of(file, key)
            found.append(
                f"{file}, line {line}: unknown setting {'.'.join(key)!r}{_meant('.'.join(key), names())}."
            )
    known = {env_name(name) for name in names()}
    found += [
        f"Environment variable {variable} is not a setting{_meant(variable, known)}"
        for variable in os.environ
        if variable.startswith(ENV_PREFIX) and variable not in known and _looks_like_setting(variable, known)
    ]
    return found


def nested(flags: Mapping[str, Any]) -> dict[str, Any]:
    """``{"server__port": 1}`` as ``{"server": {"port": 1}}``."""
    tree: dict[str, Any] = {}
    for name, value in flags.items():
        *tables, last = name.split("__")
        table = tree
        for part in tables:
            table = table.setdefault(part, {})
        table[last] = value
    return tree


def _unknown(
    tree: Mapping[str, Any], model: type[BaseModel], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for name, value in tree.items():
        field = model.model_fields.get(name)
        if field is None:
            yield (*above, name)
        elif (
            isinstance(value, dict)
            and isinstance(field.annotation, type)
            and issubclass(field.annotation, BaseModel)
        ):
            yield from _unknown(value, field.annotation, (*above, name))


def _looks_like_setting(variable: str, known: set[str]) -> bool:
    if variable.startswith(NOT_SETTINGS):
        return False
    return "__" in variable or _meant(variable, known) != "."


def _meant(name: str, known: list[str] | set[str]) -> str:
    """The "did you mean" of an unknown name: compared whole, and by its last part."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    if not close:
        last = re.split(r"[._]+", name)[-1]
        same_last = [
            other for other in sorted(known) if re.split(r"\.|__", other.removeprefix(ENV_PREFIX))[-1] == last
        ]
        close = same_last[:1] or difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else "."


def _sentence(item: dict[str, Any], flags: Mapping[str, Any]) -> str:
    key = tuple(str(part) for part in item["loc"])
    while len(key) > 1 and ".".join(key) not in names():  # an element of a list, a branch of a union
        key = key[:-1]
    name = ".".join(key)
    secret = "password" in name or "url" in name
    shown = "" if secret or isinstance(item["input"], dict) else f" = {item['input']!r}"
    why = item["msg"][0].lower() + item["msg"][1:]
    return f"{_place(key, flags)}: {name}{shown}: {why}."


def _place(key: tuple[str, ...], flags: Mapping[str, Any]) -> str:
    if has(flags, key):
        return f"Flag --{key[-1].replace('_', '-')}"
    variable = env_name(".".join(key))
    if os.environ.get(variable):
        return f"Environment variable {variable}"
    for file in reversed(files()):
        if has(read_toml(file), key):
            return f"{file}, line {line_of(file, key)}"
    return "Settings"


def _error(found: list[str]) -> SettingsError:
    detail = "\n".join(found)
    this = "it" if len(found) == 1 else "them"
    hint = f"Correct {this} and check with `rcg config check`; {files()[0]} explains every setting."
    return SettingsError(detail, hint, problems=found)
