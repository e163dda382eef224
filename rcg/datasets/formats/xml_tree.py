"""XML read with care: no entities, no document types, no depth or size beyond reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from rcg.errors import InputError

_LARGEST = 64 << 20
_DEEPEST = 32


@dataclass
class Element:
    """An element: its name, its text, its children."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return the children of a name."""
        return [child for child in self.children if child.name == name]

    def get(self, name: str) -> str:
        """Return the text of the first child of a name, "" when there is none."""
        return next((child.text.strip() for child in self.children if child.name == name), "")

    def child(self, name: str) -> Element:
        """Return the first child of a name, an empty one when there is none."""
        return next((child for child in self.children if child.name == name), Element(name))


def parse(path: Path) -> Element:
    """Return a file's root element.

    Raises:
        InputError: no XML, cut short, too large or too deep, or with a document type (entities can grow
            without bounds).
    """
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path.name} is larger than {_LARGEST >> 20} MB.", "That is no annotation file.")
    root = Element("")
    stack, texts = [root], [list[str]()]

    def start(name: str, _: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise InputError(f"{path.name} nests its elements too deep.", "That is no annotation file.")
        element = Element(name)
        stack[-1].children.append(element)
        stack.append(element)
        texts.append([])

    def text(more: str) -> None:
        texts[-1].append(more)

    def end(_: str) -> None:
        stack.pop().text = "".join(texts.pop())

    def refuse(*_: object) -> None:
        raise InputError(
            f"{path.name} declares a document type, which annotation files have no need of.",
            "Remove the line that begins with <!DOCTYPE.",
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise InputError(f"{path.name} is no whole XML: {error}.", "Export it again.") from error
    return root.children[0]
