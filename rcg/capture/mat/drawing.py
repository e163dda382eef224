"""A page of rectangles, polygons and lines of text, in millimetres: drawn once, written as PDF or SVG."""

from __future__ import annotations

from dataclasses import dataclass, field

_WIDTHS = {
    222: "ijl",
    278: " .,:;Ift",
    333: "r-()",
    500: "cksvxyzJ",
    611: "FTZ",
    667: "ABEKPSVXY",
    722: "wCDHNRU",
    778: "GOQ",
    833: "mM",
    889: "%",
    944: "W",
}
_ADVANCE = {char: width for width, chars in _WIDTHS.items() for char in chars}
"""advance widths of Helvetica in thousandths of its size (Adobe's metrics); the rest are 556"""


@dataclass(frozen=True)
class Polygon:
    """A filled polygon: corners in mm, y up from the lower edge; grey 0 black to 1 white, as a screen shows
    it."""

    corners: tuple[tuple[float, float], ...]
    grey: float


@dataclass(frozen=True)
class Rectangle:
    """A filled rectangle from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float
    grey: float


@dataclass(frozen=True)
class Text:
    """A line of Helvetica; ``x, y`` is where its base line begins, ``size`` its em in mm."""

    x: float
    y: float
    text: str
    size: float
    grey: float


@dataclass
class Drawing:
    """A page that is drawn on from the back to the front.

    Args:
        width_mm, height_mm: of the paper.
        title: of the document.
    """

    width_mm: float
    height_mm: float
    title: str
    shapes: list[Rectangle | Polygon | Text] = field(default_factory=list)

    def rectangle(self, left: float, bottom: float, width: float, height: float, grey: float) -> None:
        """Fill a rectangle."""
        self.shapes.append(Rectangle(left, bottom, width, height, grey))

    def polygon(self, corners: list[tuple[float, float]], grey: float) -> None:
        """Fill a polygon."""
        self.shapes.append(Polygon(tuple(corners), grey))

    def text(self, middle: float, y: float, text: str, size: float, grey: float = 0.0) -> None:
        """Write a line centred on ``middle``."""
        self.shapes.append(Text(middle - text_width_mm(text, size) / 2, y, text, size, grey))


def text_width_mm(text: str, size_mm: float) -> float:
    """Return the width of a line of Helvetica whose em is ``size_mm``."""
    return sum(_ADVANCE.get(char, 556) for char in text) / 1000 * size_mm


def number(value: float) -> str:
    """Write a number to a ten-thousandth: no exponent, no trailing noughts, no negative nought."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
