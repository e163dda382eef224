"""Draw the mat for a paper: the layout's boxes, numbers 1 to 8 for hand-held lights, a scale bar."""

from __future__ import annotations

import math
from typing import Literal

from rcg.capture.mat.drawing import Drawing
from rcg.capture.mat.pdf import to_pdf
from rcg.capture.mat.svg import to_svg
from rcg.errors import InputError
from rcg.photometric.mat import layout

Paper = Literal["a4", "letter"]
PAPERS = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4)}
"""width and height in mm"""
_LABELS = {label.lower(): label for label in PAPERS}

_RAISED_MM = 18.0
"""the mat's middle lies this far above the paper's, which leaves room for the scale bar"""
_LIGHT_GREY = 0.45
_FAINT = 0.62


def sheet(paper: str) -> bytes:
    """Return the mat as a PDF file; the same paper gives the same bytes.

    Args:
        paper: ``"a4"`` or ``"letter"``, in any case.

    Raises:
        InputError: another paper.
    """
    return to_pdf(draw(paper))


def preview(paper: str) -> str:
    """Return the same sheet as an SVG picture. Raises InputError as :func:`sheet` does."""
    return to_svg(draw(paper))


def draw(paper: str) -> Drawing:
    """Draw the mat on a page of a size. Raises InputError as :func:`sheet` does."""
    label = _LABELS.get(paper.strip().lower())
    if label is None:
        raise InputError(f"There is no mat for the paper {paper!r}.", "Choose a4 or letter.")
    width, height = PAPERS[label]
    page = Drawing(width, height, title=f"RCG mat {layout.VERSION}, {label}")
    x0, y0 = width / 2, height / 2 + _RAISED_MM
    for (left, bottom, right, top), tone in layout.painted():
        page.rectangle(x0 + left, y0 + bottom, right - left, top - bottom, screen_grey(tone))
    page.text(x0, y0 + 3.0, "Card here, top up", 3.6, _FAINT)
    page.text(x0, y0 - 3.0, "it covers this white", 3.0, _FAINT)
    _numbers(page, x0, y0)
    _foot(page, x0, label)
    return page


def screen_grey(tone: float) -> float:
    """Return the grey 0..1 of a screen (sRGB, IEC 61966-2-1) for a reflectance against paper; black ink stays
    black."""
    if tone <= min(layout.TONES):
        return 0.0
    return 12.92 * tone if tone <= 0.0031308 else 1.055 * tone ** (1 / 2.4) - 0.055


def _numbers(page: Drawing, x0: float, y0: float) -> None:
    """The eight sides, each with a small wedge that points at the card."""
    for number in range(1, 9):
        x, y = layout.number_place(number)
        page.text(x0 + x, y0 + y - 2.2, str(number), 6.0, _LIGHT_GREY)
        away = math.hypot(x, y)
        ux, uy = -x / away, -y / away
        tip, base = 8.5, 5.5
        page.polygon(
            [
                (x0 + x + tip * ux, y0 + y + tip * uy),
                (x0 + x + base * ux - 1.3 * uy, y0 + y + base * uy + 1.3 * ux),
                (x0 + x + base * ux + 1.3 * uy, y0 + y + base * uy - 1.3 * ux),
            ],
            _LIGHT_GREY,
        )


def _foot(page: Drawing, x0: float, label: str) -> None:
    bar, y = layout.SCALE_BAR_MM, 27.0
    page.rectangle(x0 - bar / 2, y, bar, 0.3, 0.0)
    for step in range(11):
        tall = 3.0 if step in (0, 10) else 2.0 if step == 5 else 1.2
        # The bar's length is from the outer edge of the first tick to the outer edge of the last.
        left = x0 - bar / 2 + step * bar / 10 - (0.0 if step == 0 else 0.3 if step == 10 else 0.15)
        page.rectangle(left, y, 0.3, tall, 0.0)
    page.text(x0, y + 4.6, f"{bar:g} mm", 3.2)
    page.text(
        x0,
        y - 5.0,
        "Print at 100 % (no fitting to the page), matt paper. Measure the bar and type its length under",
        2.9,
        _LIGHT_GREY,
    )
    page.text(
        x0,
        y - 9.2,
        "Capture, Mat. Lights: 1 at the card's top, then clockwise, one photograph from each number.",
        2.9,
        _LIGHT_GREY,
    )
    page.text(x0, y - 14.5, f"RCG mat {layout.VERSION}  {label}", 2.6, _FAINT)
