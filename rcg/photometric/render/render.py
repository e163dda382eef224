"""Render one side: scene in, frames and truth out."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from rcg.grading.schema import Side
from rcg.photometric.render.camera import camera_in_card, frame_to_card, frame_to_reference, lights_in_card
from rcg.photometric.render.develop import develop
from rcg.photometric.render.effects_light import EffectInputs, effect_inputs, shadow_map
from rcg.photometric.render.print_art import Sheet, draw_art
from rcg.photometric.render.relief_field import ReliefField, make_relief
from rcg.photometric.render.scene import Scene
from rcg.photometric.render.shading import CardShape, Grids, Light, Mat, compose_albedo, shade_rows
from rcg.photometric.render.truth import side_truth
from rcg.photometric.types import DEFAULT_PX_PER_MM, BoolArray, FloatArray, Frame, Lights

MARGIN_MM = 3.0
TILE_PX_PER_MM = 8.0
PAPER_HALF_MM = (105.0, 148.5)
"""half an A4 sheet, for the mat"""
_ROWS = 128


@dataclass(frozen=True)
class TruthMaps:
    """Truth in card coordinates, laid out as :class:`rcg.photometric.types.Maps`.

    Attributes:
        px_per_mm, margin_mm: scale, and background kept on each side.
        normal: (H, W, 3) unit vectors; (0, 0, 1) off the card.
        albedo: (H, W, 3) linear reflectance, 0 off the card.
        height_um: (H, W) with the curl, 0 off the card.
        coverage: (H, W) share of each pixel that is card.
        foil: (H, W) True where the card is foil.
    """

    px_per_mm: float
    margin_mm: float
    normal: FloatArray
    albedo: FloatArray
    height_um: FloatArray
    coverage: FloatArray
    foil: BoolArray


@dataclass(frozen=True)
class RenderedSide:
    """One rendered side.

    Attributes:
        scene: every number it was made from.
        frames: n photographs, named ``"1"``..``"n"``.
        lights: as a rig would give them: positions relative to the card's centre, image axes.
        truth: the side as a perfect inspection would report it; ``corners_px`` in frame 1.
        maps: truth maps, at 20 px/mm unless asked otherwise.
        to_reference: (n, 3, 3) frame pixel -> frame 1 pixel.
    """

    scene: Scene
    frames: list[Frame]
    lights: Lights
    truth: Side
    maps: TruthMaps
    to_reference: npt.NDArray[np.float64]


def render_scene(
    scene: Scene,
    *,
    relief_px_per_mm: float | None = None,
    maps_px_per_mm: float = DEFAULT_PX_PER_MM,
    threads: int | None = None,
) -> RenderedSide:
    """Render every frame of a scene. Bytes do not depend on ``threads`` (default: the computer's cores, at
    most 8).

    Args:
        scene: what to render.
        relief_px_per_mm: sampling of relief and print; by default fine enough for the finest scratch.
        maps_px_per_mm: scale of the truth maps.
        threads: to compute with.
    """
    workers = threads or min(os.cpu_count() or 1, 8)
    scale = scene.camera.px_per_mm
    fine = max(25.0 if scale > 12 else DEFAULT_PX_PER_MM, float(np.ceil(scale)))
    # Whole numbers as floats: the kernels would be compiled once more for them.
    relief = make_relief(scene, float(relief_px_per_mm or fine), MARGIN_MM)
    surface = np.stack([relief.slope_x, relief.slope_y, relief.whitening, relief.grain], -1)
    sheet = draw_art(scene, relief.px_per_mm)
    grids = _grids(scene, relief, sheet)
    extras = effect_inputs(scene)
    maps = _truth_maps(scene, relief, surface, sheet, grids, float(maps_px_per_mm), extras)
    frames = _frames(scene, relief, surface, sheet, grids, _exposure(scene, maps), workers, extras)
    return RenderedSide(
        scene=scene,
        frames=frames,
        lights=scene_lights(scene),
        truth=side_truth(scene, relief),
        maps=maps,
        to_reference=np.stack([frame_to_reference(scene, i) for i in range(scene.n_lights)]),
    )


def scene_lights(scene: Scene) -> Lights:
    """The rig as :class:`Lights`: in image axes, or, with the mat, in the mat's, from its middle. Intensities
    are 1: a rig at home does not know them.
    """
    positions = scene.rig.positions_mm
    if scene.mat is not None:
        x, y = scene.mat.offset_mm
        angle = np.radians(scene.mat.angle_deg)
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
        positions = (lights_in_card(scene) - [x, y, 0]) @ turn.T
    return Lights(
        names=tuple(str(i + 1) for i in range(len(positions))),
        directions=positions / np.linalg.norm(positions, axis=1, keepdims=True),
        positions_mm=positions.copy(),
        intensities=np.ones(len(positions)),
        source="rig",
        calibrated=True,
    )


def _frames(
    scene: Scene,
    relief: ReliefField,
    surface: FloatArray,
    sheet: Sheet,
    grids: Grids,
    exposure: float,
    workers: int,
    extras: EffectInputs,
) -> list[Frame]:
    w, h = scene.camera.frame_size
    tile, shape = table_tile(scene), card_shape(scene)
    mat, paper = mat_texture(scene)
    frames = []
    with ThreadPoolExecutor(workers) as pool:
        for i in range(scene.n_lights):
            radiance = np.empty((h, w, 3), np.float32)
            to_card, light = frame_to_card(scene, i), _light(scene, i, exposure)
            visible = _visible(scene, relief, i)

            def shade(
                row: int,
                radiance: FloatArray = radiance,
                to_card: npt.NDArray[np.float64] = to_card,
                light: Light = light,
                visible: FloatArray = visible,
            ) -> None:
                shade_rows(
                    radiance[row : row + _ROWS],
                    row,
                    to_card,
                    scene.camera.px_per_mm,
                    scene.sensor.vignette,
                    shape,
                    grids,
                    light,
                    sheet.rgb,
                    surface,
                    tile,
                    mat,
                    paper,
                    *extras,
                    visible,
                )

            list(pool.map(shade, range(0, h, _ROWS)))
            frames.append(
                pool.submit(
                    develop,
                    radiance,
                    scene.sensor,
                    scene.generator(100 + i),
                    index=i,
                    name=str(i + 1),
                    file_name=f"{i + 1}.jpg",
                )
            )
        return [frame.result() for frame in frames]


def _visible(scene: Scene, relief: ReliefField, index: int) -> FloatArray:
    """(H, W, 1) share of one lamp that each sample of the relief sees; one number where shadows are off."""
    shadows = scene.effects.shadows if scene.effects else None
    if shadows is None:
        return np.ones((2, 2, 1), np.float32)
    source = lights_in_card(scene)[index]
    visible = shadow_map(
        relief.height_um, relief.px_per_mm, relief.extent_mm, source, shadows.lamp_mm, shadows.reach_mm
    )
    return visible[..., None]


def card_shape(scene: Scene) -> CardShape:
    """The numbers of the card's and the print's outlines."""
    cut, printed = scene.cut, scene.print
    half_w, half_h = printed.half_size_mm(cut)
    turn = np.radians(printed.tilt_deg)
    return CardShape(
        cut.width_mm / 2,
        cut.height_mm / 2,
        *cut.corner_radius_mm,
        cut.thickness_mm,
        half_w,
        half_h,
        printed.radius_mm,
        *printed.offset_mm,
        float(np.cos(turn)),
        float(np.sin(turn)),
        *printed.border_rgb,
    )


def mat_texture(scene: Scene) -> tuple[Mat, FloatArray]:
    """The mat as the kernel takes it; a paper without size where there is none."""
    if scene.mat is None:
        return Mat(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0), np.zeros((2, 2, 1), np.float32)
    scale = max(6.0, scene.camera.px_per_mm * scene.mat.scale)
    (xx, xy, x0), (yx, yy, y0) = scene.mat.to_mat()[:2].tolist()
    return (
        Mat(xx, xy, x0, yx, yy, y0, scale, *scene.mat.half_size_mm(), *PAPER_HALF_MM),
        scene.mat.picture(scale),
    )


def _grids(scene: Scene, relief: ReliefField, sheet: Sheet) -> Grids:
    angle = np.radians(scene.table.angle_deg)
    return Grids(
        relief.px_per_mm,
        *relief.extent_mm,
        sheet.scale,
        *sheet.extent,
        TILE_PX_PER_MM,
        float(np.cos(angle)),
        float(np.sin(angle)),
        *scene.table.rgb,
    )


def _light(scene: Scene, index: int, exposure: float) -> Light:
    position = lights_in_card(scene)[index]
    power = exposure * float(scene.rig.intensities[index]) * float(position @ position)
    ambient = exposure * scene.rig.ambient
    alpha2 = scene.surface.gloss_roughness**4
    x, y, z = position.tolist()
    eye_x, eye_y, eye_z = camera_in_card(scene).tolist()
    return Light(x, y, z, power, ambient, eye_x, eye_y, eye_z, scene.surface.gloss_f0, alpha2)


def _exposure(scene: Scene, maps: TruthMaps) -> float:
    """One exposure for all frames: the brightest print under the nearest light comes to the sensor's
    headroom.
    """
    half = np.array([scene.cut.width_mm, scene.cut.height_mm]) / 2
    points = np.array([[x, y, 0.0] for x in (-1, 0, 1) for y in (-1, 0, 1)]) * [*half, 1.0]
    brightest = 0.0
    for position, intensity in zip(lights_in_card(scene), scene.rig.intensities, strict=True):
        d = np.linalg.norm(position - points, axis=1)
        brightest = max(brightest, float(intensity * (position @ position) * (position[2] / d**3).max()))
    red, green, blue = np.moveaxis(maps.albedo, -1, 0)
    white = float(np.percentile(np.maximum(np.maximum(red, green), blue), 99.5))
    return scene.sensor.headroom / (white * (brightest + scene.rig.ambient))


def _truth_maps(
    scene: Scene,
    relief: ReliefField,
    surface: FloatArray,
    sheet: Sheet,
    grids: Grids,
    scale: float,
    extras: EffectInputs,
) -> TruthMaps:
    """Area averages of the textures over the pixels of the truth grid, which covers the same millimetres."""
    w, h = (round(2 * e * scale) for e in relief.extent_mm)
    albedo, cover = np.empty((h, w, 3), np.float32), np.empty((h, w), np.float32)
    compose_albedo(albedo, cover, scale, card_shape(scene), grids, sheet.rgb, surface, extras.chips)
    p, q, height = (
        cv2.resize(m, (w, h), interpolation=cv2.INTER_AREA)
        for m in (relief.slope_x, relief.slope_y, relief.height_um)
    )
    on_card = cover > 0
    p, q = np.where(on_card, p, 0), np.where(on_card, q, 0)
    nz = 1 / np.sqrt(1 + p * p + q * q)
    normal = np.stack([-p * nz, -q * nz, nz], -1).astype(np.float32)
    foil = _foil_mask(extras.patches, (h, w), scale) & on_card
    level = np.where(on_card, height, 0).astype(np.float32)
    return TruthMaps(scale, MARGIN_MM, normal, albedo, level, cover, foil)


def _foil_mask(patches: FloatArray, shape: tuple[int, int], scale: float) -> BoolArray:
    """(H, W) True where a truth pixel is mostly foil."""
    h, w = shape
    x, y = (np.arange(w) - (w - 1) / 2) / scale, ((h - 1) / 2 - np.arange(h)) / scale
    mask = np.zeros(shape, bool)
    for cx, cy, half_w, half_h, r in patches.tolist():
        qx = np.maximum(np.abs(x - cx) - half_w + r, 0)
        qy = np.maximum(np.abs(y - cy) - half_h + r, 0)
        mask |= np.hypot(qx[None, :], qy[:, None]) <= r
    return mask


def table_tile(scene: Scene) -> FloatArray:
    """(513, 513, 1) relative brightness of the table, mean 1, repeating every 64 mm."""
    n = 512
    rng = scene.generator(30)
    t = np.arange(n) / TILE_PX_PER_MM
    threads = np.sin(2 * np.pi * 1.0 * t)
    weave = np.outer(threads, threads)
    fine = gaussian_filter(rng.standard_normal((n, n)), 1.2, mode="wrap")
    coarse = gaussian_filter(rng.standard_normal((n, n)), 12.0, mode="wrap")
    mottle = 0.5 * fine / fine.std() + coarse / coarse.std()
    tile = np.clip(1 + scene.table.weave * weave + scene.table.mottle * mottle, 0.2, 2.0)
    return np.pad(tile, ((0, 1), (0, 1)), mode="wrap").astype(np.float32)[..., None]
