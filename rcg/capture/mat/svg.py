"""Write a drawing as an SVG picture, for a page to show: the same shapes as the printed sheet's."""

from __future__ import annotations

from xml.sax.saxutils import escape

from rcg.capture.mat.drawing import Drawing, Polygon, Rectangle, Text, number, text_width_mm


def to_svg(drawing: Drawing) -> str:
    """Return the picture, one unit a millimetre."""
    size = f"{number(drawing.width_mm)} {number(drawing.height_mm)}"
    shapes = "".join(_shape(shape, drawing.height_mm) for shape in drawing.shapes)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="Helvetica, sans-serif">'
    )
    paper = '<rect width="100%" height="100%" fill="#fff"/>'
    return f"{head}<title>{escape(drawing.title)}</title>{paper}{shapes}</svg>\n"


def _shape(shape: Rectangle | Polygon | Text, height: float) -> str:
    byte = round(255 * shape.grey)
    fill = f'fill="#{byte:02x}{byte:02x}{byte:02x}"'
    if isinstance(shape, Rectangle):
        top = height - shape.bottom - shape.height
        place = f'x="{number(shape.left)}" y="{number(top)}"'
        return f'<rect {place} width="{number(shape.width)}" height="{number(shape.height)}" {fill}/>'
    if isinstance(shape, Polygon):
        points = " ".join(f"{number(x)},{number(height - y)}" for x, y in shape.corners)
        return f'<polygon points="{points}" {fill}/>'
    place = f'x="{number(shape.x)}" y="{number(height - shape.y)}" font-size="{number(shape.size)}"'
    # A browser may lack Helvetica; the line keeps its length.
    length = f'textLength="{number(text_width_mm(shape.text, shape.size))}" lengthAdjust="spacingAndGlyphs"'
    return f"<text {place} {length} {fill}>{escape(shape.text)}</text>"
