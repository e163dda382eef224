"""Where each setting is named and set: dotted names, files and lines, environment variables."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from rcg import paths
from rcg.errors import StartError
from rcg.settings import Settings

ENV_PREFIX = "RCG_"


class TomlError(StartError):
    """A settings file cannot be read or is not TOML."""

    code = "broken_settings"


@dataclass(frozen=True)
class Value:
    """One setting as it holds now: dotted name, value for people (secrets hidden) and where it came from."""

    name: str
    text: str
    source: str


def files() -> list[Path]:
    """The settings files in order, the later wins; either may be missing."""
    config = paths.home() / "config"
    return [config / "rcg.default.toml", config / "rcg.toml"]


def values(settings: Settings) -> list[Value]:
    """Every setting as it holds now, with its source; for ``rcg config show`` and the Settings page."""
    return [Value(name, _shown(_get(settings, name)), source_of(name)) for name in names()]


def source_of(name: str) -> str:
    """Where the value of a setting comes from: environment variable, file and line, or "default"."""
    if os.environ.get(env_name(name)):
        return f"environment {env_name(name)}"
    key = tuple(name.split("."))
    default, own = files()
    if has(read_toml(own), key):
        return f"{own}, line {line_of(own, key)}"
    return "default" if default.is_file() else "built in"


def names(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Dotted names of all settings, in the order of the model."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += names(inner, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


def env_name(name: str) -> str:
    """``server.port`` is ``RCG_SERVER__PORT`` in the environment."""
    return ENV_PREFIX + name.replace(".", "__").upper()


def line_of(file: Path, key: tuple[str, ...]) -> int:
    """Line number (from 1) where ``key`` is set in a TOML file, or that of the nearest table around it."""
    table: tuple[str, ...] = ()
    best, best_depth = 1, 0
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line)
        assignment = re.match(r"\s*([\w\-.\"' ]+?)\s*=", line)
        if header:
            table = _parts(header[1])
            here = table
        elif assignment:
            here = table + _parts(assignment[1])
        else:
            continue
        if here == key[: len(here)] and len(here) > best_depth:
            best, best_depth = number, len(here)
    return best


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a settings file, none when it is missing; TomlError names the line that is broken."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        text = str(error)
        found = re.search(r"line (\d+)", text)
        line = found[1] if found else str(len(file.read_text("utf-8").splitlines()))
        why = re.sub(r"\s*\(at .*\)$", "", text)
        raise TomlError(f"{file}, line {line}: this is not valid TOML: {why}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise TomlError(f"{file} cannot be read: {error}.") from error


def has(tree: Mapping[str, Any], key: tuple[str, ...]) -> bool:
    """Whether a tree of tables holds a key."""
    here: Any = tree
    for part in key:
        if not isinstance(here, Mapping) or part not in here:
            return False
        here = here[part]
    return True


def _get(settings: Any, name: str) -> Any:
    for part in name.split("."):
        settings = getattr(settings, part)
    return settings


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, SecretStr):
        return "(hidden)"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return re.sub(r"(://[^:/@]*:)[^@]+@", r"\1(hidden)@", str(value))
