"""Rendered cards as items of a dataset: layers by the true engine, annotations by the truth.

A card is drawn from a seed, photographed by the forward model under eight lights straight from above, and
solved by the same engine that solves photographs; what the annotations say is geometry, never found in
pixels. The flaws are larger than those of the sample cards, so that a small network can learn them from few
cards: dents of 2.4 to 4.5 mm that only relief shows, scratches, stains, worn edges and corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.datasets.from_maps import MARGIN_MM, item_layers
from rcg.datasets.kinds import resolve
from rcg.datasets.layers import LIGHT_PREFIX
from rcg.datasets.rendered_scene import POSES, draw_item_scene
from rcg.datasets.rendered_truth import annotations_of
from rcg.datasets.sample import LayerArray, Sample
from rcg.photometric import relief
from rcg.photometric.even_light import colour_picture
from rcg.photometric.linearise import to_linear, to_srgb_u8
from rcg.photometric.render.camera import frame_to_card, project
from rcg.photometric.render.render import render_scene
from rcg.photometric.render.scene import Scene
from rcg.photometric.render.truth import inside_card
from rcg.photometric.solve import solve_normals
from rcg.photometric.types import BoolArray

PX_PER_MM = 5.0
_RELIEF_PX_PER_MM = 10.0


@dataclass(frozen=True)
class RenderedItem:
    """A rendered item.

    Attributes:
        name: of the item in its dataset.
        sample: layers, annotations, lights.
        card: what splits keep together.
        side: front or back.
        margin_mm: background round the card; 0 where the card lies anyhow in the picture.
    """

    name: str
    sample: Sample
    card: str
    side: str
    margin_mm: float


def render_item(
    kind: str, seed: int, index: int, *, px_per_mm: float = PX_PER_MM, threads: int = 1
) -> RenderedItem:
    """Render one item of a kind that ships. The same arguments give the same item on one computer.

    Args:
        kind: name of a kind; its label schema says what is annotated.
        seed, index: the set, and the card's number in it.
        px_per_mm: scale of the item's grid, 4 to 20.
        threads: to compute with.
    """
    scene = draw_item_scene(kind, seed, index, px_per_mm=px_per_mm)
    fine = max(_RELIEF_PX_PER_MM, float(np.ceil(px_per_mm)))
    side = render_scene(scene, relief_px_per_mm=fine, maps_px_per_mm=px_per_mm, threads=threads)
    stack = np.stack([to_linear(frame) for frame in side.frames])
    mask = card_pixels(scene)
    solved = solve_normals(stack, side.lights, px_per_mm=px_per_mm, mask=mask, threads=threads)
    normal = relief.flatten(solved.normal, mask, px_per_mm)
    layers = item_layers(
        colour=colour_picture(stack, mask),
        albedo=solved.albedo,
        normal=normal,
        height_um=relief.height_um(normal, mask, px_per_mm, threads=threads),
        specular=solved.specular,
        confidence=solved.confidence,
        mask=mask,
        px_per_mm=px_per_mm,
    )
    for name, frame in zip(side.lights.names, stack, strict=True):
        layers[f"{LIGHT_PREFIX}{name}"] = LayerArray("light", to_srgb_u8(frame))
    card = f"rendered-{seed}-{index:05d}"
    return RenderedItem(
        name=f"{card}.webp",
        sample=Sample(
            layers,
            annotations=annotations_of(scene, side.truth.findings, resolve(kind).label_schema, card),
            lights=dict(zip(side.lights.names, side.lights.directions, strict=True)),
            px_per_mm=px_per_mm,
            key=card,
        ),
        card=card,
        side=scene.side,
        margin_mm=0.0 if kind in POSES else MARGIN_MM,
    )


def card_pixels(scene: Scene) -> BoolArray:
    """Return the (H, W) pixels of a frame that are card."""
    w, h = scene.camera.frame_size
    grid: npt.NDArray[np.float64] = np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).astype(np.float64)
    xy = project(frame_to_card(scene, 0), grid)
    return inside_card(scene.cut, xy[..., 0], xy[..., 1])
