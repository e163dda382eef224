"""The small text files beside labels: ``data.yaml``, lists of classes, lists of images."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rcg.datasets.formats.files import Folder, split_of, stem_of, whole
from rcg.datasets.schema import Split

_CLASS_LISTS = ("classes.txt", "obj.names", "labels.txt", "names.txt", "_darknet.labels", "classes.names")
_LARGEST = 1 << 20


@dataclass
class YoloFacts:
    """What ``data.yaml`` and its like say.

    Attributes:
        names: classes by number.
        points: names of the points; empty: it is no pose data.
        numbers_per_point: 2, or 3 with visibility.
        files: where it was found, so that it is not taken for labels.
    """

    names: dict[int, str] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)
    numbers_per_point: int = 3
    files: set[str] = field(default_factory=set)


def yolo_facts(folder: Folder) -> YoloFacts:
    """Read the YAML files that name classes, else a list of classes."""
    facts = YoloFacts()
    for path in folder.of(".yaml", ".yml"):
        found = plain_yaml(text_of(folder, path))
        if "names" in found:
            facts.names = facts.names or _numbered(found["names"])
            shape = found.get("kpt_shape")
            if isinstance(shape, list) and len(shape) == 2 and all(str(one).isdigit() for one in shape):
                count, facts.numbers_per_point = min(int(shape[0]), 1000), int(shape[1])
                named = found.get("kpt_names")
                listed = named if isinstance(named, list) and len(named) == count else range(count)
                facts.points = [f"point {at + 1}" if isinstance(at, int) else str(at) for at in listed]
    for path in folder.others:
        if path.rsplit("/", 1)[-1].lower() in _CLASS_LISTS:
            facts.files.add(path)
            lines = [line.strip() for line in text_of(folder, path).splitlines() if line.strip()]
            facts.names = facts.names or dict(enumerate(lines))
    return facts


def text_of(folder: Folder, path: str) -> str:
    """Return the beginning of a text file; bytes that are no UTF-8 become marks."""
    with folder.path(path).open("rb") as file:
        return file.read(_LARGEST).decode("utf-8-sig", "replace")


def image_lists(folder: Folder, below: str) -> dict[str, Split]:
    """Return the part of the split by the images' stems, from ``train.txt`` and its like below a folder."""
    found: dict[str, Split] = {}
    for path in folder.of(".txt"):
        part = split_of(path.rsplit("/", 1)[-1])
        if part is None or below not in f"/{path.lower()}":
            continue
        with folder.path(path).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                found.setdefault(stem_of(line.strip() + ".x"), part)
    return found


def _numbered(names: object) -> dict[int, str]:
    if isinstance(names, list):
        return dict(enumerate(map(str, names)))
    if isinstance(names, dict):
        return {int(key): str(value) for key, value in names.items() if str(key).isdigit()}
    return {}


_ENTRY = re.compile(
    r"(?P<indent>\s*)(?P<dash>-\s+)?(?:(?P<key>[^:#\[{\"']+|\"[^\"]*\"|'[^']*')\s*:(?=\s|$))?(?P<rest>.*)"
)


def plain_yaml(text: str) -> dict[str, object]:
    """Read the YAML that dataset files use: keys, and lists or numbered names one level deep.

    >>> plain_yaml("names:\\n  0: dent\\n  1: 'worn edge'  # ours\\nkpt_shape: [4, 3]")
    {'names': {'0': 'dent', '1': 'worn edge'}, 'kpt_shape': ['4', '3']}
    """
    found: dict[str, object] = {}
    last = ""
    for indent, dash, key, rest in _entries(text):
        if key and not indent and not dash:
            last = key
            found[key] = _value(rest) if rest else None
        elif last and dash:
            entry = found.get(last)
            found[last] = [*entry, _scalar(rest)] if isinstance(entry, list) else [_scalar(rest)]
        elif last and key:
            entry = found.get(last)
            found[last] = {**entry, key: _scalar(rest)} if isinstance(entry, dict) else {key: _scalar(rest)}
    return {key: value for key, value in found.items() if value is not None}


def _entries(text: str) -> Iterator[tuple[int, bool, str, str]]:
    for line in _joined(text):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ENTRY.fullmatch(line)
        if match:
            key = _scalar(match["key"] or "")
            rest = match["rest"].strip()
            yield len(match["indent"]), bool(match["dash"]), key, "" if rest.startswith("#") else rest


def _joined(text: str) -> Iterator[str]:
    """Yield lines, those of a list in brackets as one."""
    open_line = ""
    for line in text.splitlines():
        open_line = f"{open_line} {line.strip()}" if open_line else line
        if open_line.count("[") > open_line.count("]") and len(open_line) < _LARGEST:
            continue
        yield open_line
        open_line = ""
    if open_line:
        yield open_line


def _value(text: str) -> object:
    if text.startswith("["):
        inner = text[1 : text.rindex("]")] if "]" in text else text[1:]
        parts = re.findall(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^,]+", inner)
        return [_scalar(part) for part in parts if part.strip()]
    if text.startswith("{"):
        inner = text[1 : text.rindex("}")] if "}" in text else text[1:]
        pairs = (part.partition(":") for part in inner.split(","))
        return {_scalar(key): _scalar(value) for key, _, value in pairs if key.strip()}
    return _scalar(text)


def _scalar(text: str) -> str:
    text = text.strip()
    if text[:1] == '"':
        try:
            return whole(str(json.JSONDecoder().raw_decode(text)[0]))
        except ValueError:
            return text.strip('"')
    if text[:1] == "'":
        return text[1:].split("'")[0]
    return text.split(" #")[0].strip()
