"""Write a drawing as a PDF file of one page (ISO 32000-1), with no library.

The same drawing gives the same bytes: no date, no random identifier. Greys are ``DeviceGray``, text is in
Helvetica, one of the fonts that every reader has.
"""

from __future__ import annotations

import hashlib
import zlib

from rcg.capture.mat.drawing import Drawing, Polygon, Rectangle, Text, number

POINTS_PER_MM = 72 / 25.4
_HEAD = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
_LATIN = "cp1252"


def to_pdf(drawing: Drawing) -> bytes:
    """Return the file."""
    content = zlib.compress("\n".join(_shape(shape) for shape in drawing.shapes).encode(_LATIN), 9)
    box = f"0 0 {_points(drawing.width_mm)} {_points(drawing.height_mm)}"
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
        b"<< /Title (%s) /Producer (RCG) >>" % _escaped(drawing.title).encode(_LATIN),
    ]
    return _file(objects)


def _shape(shape: Rectangle | Polygon | Text) -> str:
    grey = f"{number(shape.grey)} g"
    if isinstance(shape, Rectangle):
        sides = (shape.left, shape.bottom, shape.width, shape.height)
        return f"{grey} {' '.join(map(_points, sides))} re f"
    if isinstance(shape, Polygon):
        first, *rest = [f"{_points(x)} {_points(y)}" for x, y in shape.corners]
        return f"{grey} {first} m {' '.join(f'{point} l' for point in rest)} h f"
    place = f"/F1 {_points(shape.size)} Tf {_points(shape.x)} {_points(shape.y)} Td"
    return f"BT {grey} {place} ({_escaped(shape.text)}) Tj ET"


def _file(objects: list[bytes]) -> bytes:
    body = bytearray(_HEAD)
    places = []
    for count, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (count, content)
    table = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        body += b"%010d 00000 n \n" % place
    # The identifier is that of the content, so that equal sheets are equal files.
    name = hashlib.sha256(bytes(body)).hexdigest()[:32].encode()
    last = len(objects)
    body += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R /ID [<%s> <%s>] >>\n" % (
        last + 1,
        last,
        name,
        name,
    )
    body += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(body)


def _points(mm: float) -> str:
    return number(mm * POINTS_PER_MM)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
