"""A PDF file of one page, of rectangles, triangles and Helvetica: all that the mat needs (ISO 32000-1).

The same calls give the same bytes: no date, no random identifier. Lengths are millimetres, y runs up from the
page's lower edge. Greys are what a screen would show (0 black, 1 white): ``DeviceGray``.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field

POINTS_PER_MM = 72 / 25.4
_HEAD = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"


def text_width_mm(text: str, size_mm: float) -> float:
    """Return the width of Helvetica text whose capitals and ascenders fit in ``size_mm`` em."""
    return sum(_ADVANCE.get(char, 556) for char in text) / 1000 * size_mm


@dataclass
class Page:
    """A page that is drawn on from the back to the front.

    Args:
        width_mm, height_mm: of the paper.
        title: of the document.
    """

    width_mm: float
    height_mm: float
    title: str
    _drawn: list[str] = field(default_factory=list)

    def rectangle(self, left: float, bottom: float, width: float, height: float, grey: float) -> None:
        """Fill a rectangle."""
        numbers = " ".join(_points(value) for value in (left, bottom, width, height))
        self._drawn.append(f"{_number(grey)} g {numbers} re f")

    def polygon(self, corners: list[tuple[float, float]], grey: float) -> None:
        """Fill a polygon."""
        first, *rest = [f"{_points(x)} {_points(y)}" for x, y in corners]
        lines = " ".join(f"{point} l" for point in rest)
        self._drawn.append(f"{_number(grey)} g {first} m {lines} h f")

    def text(
        self, x: float, y: float, text: str, size_mm: float, *, grey: float = 0.0, middle: bool = False
    ) -> None:
        """Write a line of Helvetica with its base line at ``y``, from ``x`` on or centred on it."""
        if middle:
            x -= text_width_mm(text, size_mm) / 2
        shown = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        self._drawn.append(
            f"BT {_number(grey)} g /F1 {_points(size_mm)} Tf {_points(x)} {_points(y)} Td "
            f"({shown.decode('cp1252')}) Tj ET"
        )

    def as_bytes(self) -> bytes:
        """Return the file."""
        content = zlib.compress("\n".join(self._drawn).encode("cp1252"), 9)
        box = f"0 0 {_points(self.width_mm)} {_points(self.height_mm)}"
        objects = [
            # PrintScaling None asks the viewer not to fit the page to the printer's margins.
            b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 5 0 R "
                "/Resources << /Font << /F1 4 0 R >> >> >>"
            ).encode(),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(content), content),
            f"<< /Title ({self.title}) /Producer (RCG) >>".encode("cp1252"),
        ]
        return _file(objects)


def _file(objects: list[bytes]) -> bytes:
    body = bytearray(_HEAD)
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        body += b"%010d 00000 n \n" % place
    # The identifier is that of the content, so that equal sheets are equal files.
    name = hashlib.sha256(bytes(body)).hexdigest()[:32].encode()
    body += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R /ID [<%s> <%s>] >>\n" % (
        len(objects) + 1,
        len(objects),
        name,
        name,
    )
    body += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(body)


def _points(mm: float) -> str:
    return _number(mm * POINTS_PER_MM)


def _number(value: float) -> str:
    """A number as PDF knows it, to a ten-thousandth: no exponent, no trailing noughts."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


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
