"""What is true of a rendered item, as annotations: from the scene's geometry, in pixels of its frame."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rcg.datasets.schema import Annotation, KeyPoint, LabelSchema, Part, Points, Polygon, Quad
from rcg.grading.schema import Finding
from rcg.photometric.render.camera import card_to_reference, project
from rcg.photometric.render.scene import Scene

XY = npt.NDArray[np.float64]
_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")
_SIGNS = np.array([[-1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
_PER_EDGE = 5


def annotations_of(
    scene: Scene, findings: Sequence[Finding], schema: LabelSchema, key: str
) -> tuple[Annotation, ...]:
    """Return everything of the truth that the label schema asks for.

    Args:
        scene: what was rendered.
        findings: the flaws, polygons in card millimetres.
        schema: of the kind.
        key: names the item; ids are derived from it, so that rendering again gives the same ones.
    """
    made = [*_flaws(scene, findings, schema), *_borders(scene, schema), *_points(scene, schema)]
    return tuple(
        Annotation(
            id=hashlib.sha256(f"{key}/{index}".encode()).hexdigest()[:32],
            label=label,
            shape=shape,
            attributes=attributes,
            source="render",
        )
        for index, (label, shape, attributes) in enumerate(made)
    )


_Made = Iterator[tuple[str, Polygon | Quad | Points, dict[str, str | float | bool | None]]]


def _flaws(scene: Scene, findings: Sequence[Finding], schema: LabelSchema) -> _Made:
    wanted = set(schema.class_names) if schema.task == "instance" else set()
    depth = any(attribute.name == "depth_um" for attribute in schema.attributes)
    for finding in findings:
        if finding.kind not in wanted or len(finding.polygon_mm) < 3:
            continue
        ring = [(float(x), float(y)) for x, y in to_pixels(scene, finding.polygon_mm)]
        known = finding.relief_um is not None and depth
        attributes: dict[str, str | float | bool | None] = (
            {"depth_um": round(float(finding.relief_um or 0), 1)} if known else {}
        )
        yield finding.kind, Polygon(parts=[Part(outer=ring)]), attributes


def _borders(scene: Scene, schema: LabelSchema) -> _Made:
    if schema.task != "instance":
        return
    for label, corners in (("outer_border", card_corners(scene)), ("inner_border", print_corners(scene))):
        if label in schema.class_names:
            a, b, c, d = ((float(x), float(y)) for x, y in to_pixels(scene, corners))
            yield label, Quad(corners=(a, b, c, d)), {}


def _points(scene: Scene, schema: LabelSchema) -> _Made:
    if schema.task != "points":
        return
    known = named_points(scene)
    points = [
        KeyPoint(name=name, x=float(xy[0]), y=float(xy[1]))
        for name in schema.point_names
        if name in known
        for xy in to_pixels(scene, known[name][None])
    ]
    if points:
        yield schema.class_names[0], Points(points=points), {}


def named_points(scene: Scene) -> dict[str, XY]:
    """Return (2,) card millimetres of every point that kinds name.

    ``top_left`` and its like are where the straight edges of the cut meet, ``outer_`` the same, ``inner_``
    those of the print. ``top_1`` to ``top_5`` divide an edge into six equal parts; top and bottom count from
    the left, left and right from the top.
    """
    outer, inner = card_corners(scene), print_corners(scene)
    points: dict[str, XY] = {}
    for index, name in enumerate(_CORNERS):
        points |= {name: outer[index], f"outer_{name}": outer[index], f"inner_{name}": inner[index]}
    ends = {"top": (0, 1), "right": (1, 2), "bottom": (3, 2), "left": (0, 3)}
    for edge, (first, last) in ends.items():
        for step in range(1, _PER_EDGE + 1):
            share = step / (_PER_EDGE + 1)
            points[f"{edge}_{step}"] = outer[first] + (outer[last] - outer[first]) * share
    return points


def card_corners(scene: Scene) -> XY:
    """Return (4, 2) mm: top left, top right, bottom right, bottom left of the cut."""
    return np.asarray(_SIGNS * [scene.cut.width_mm / 2, scene.cut.height_mm / 2])


def print_corners(scene: Scene) -> XY:
    """Return (4, 2) mm: the same of the printed frame."""
    turn = np.radians(scene.print.tilt_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    half = np.array(scene.print.half_size_mm(scene.cut))
    return np.asarray((_SIGNS * half) @ rotation.T + np.array(scene.print.offset_mm))


def to_pixels(scene: Scene, points_mm: npt.ArrayLike) -> XY:
    """Map card millimetres to an item's pixels, whose first centre is (0.5, 0.5)."""
    return project(card_to_reference(scene), points_mm) + 0.5
