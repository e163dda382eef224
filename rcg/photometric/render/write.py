"""A rendered side as a folder: what a photographer would have, and beside it the truth.

``1.jpg`` .. ``n.jpg``
    the frames (8-bit sRGB JPEG, quality 92; or PNG), named by light. Their EXIF says only what made them.
``rig.toml``
    the lights by position, in image axes (x right and y up in the photograph, z towards the camera along the
    card's normal), in millimetres from the card's centre; with the printed mat in the mat's axes, from its
    middle::

        [[lights]]
        name = "1"
        position_mm = [3.1, 205.7, 148.2]

``lights.lp``
    the same as directions: a count, then ``file-name x y z`` per line.
``truth.json``
    a side in the form of the grade's JSON (:class:`rcg.grading.schema.Side`); pixels are those of frame 1.
``truth_extra.json``
    what that form has no place for: each frame's homography to frame 1, the print, the rig, curl, gloss.
``truth_maps.npz``
    ``normal`` (float16), ``albedo`` (float16), ``height_um`` (float32), ``coverage`` (float16),
    ``foil`` (bool), ``px_per_mm``, ``margin_mm``.

Nothing in these files depends on the time or the computer's name.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from rcg.photometric.render.render import RenderedSide, TruthMaps
from rcg.photometric.types import Lights

ImageFormat = Literal["jpeg", "png"]
QUALITY = 92
_SUFFIX: dict[ImageFormat, str] = {"jpeg": ".jpg", "png": ".png"}


def encode_frame(pixels: np.ndarray[Any, Any], image_format: ImageFormat) -> bytes:
    """Encode (H, W, 3) uint8 RGB. EXIF holds ``Software`` alone."""
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0131] = "rcg render"
    out = io.BytesIO()
    if image_format == "jpeg":
        image.save(out, "JPEG", quality=QUALITY, exif=exif)
    else:
        image.save(out, "PNG", exif=exif, compress_level=3)
    return out.getvalue()


def rig_toml(lights: Lights) -> str:
    """The rig by position in millimetres, image axes."""
    if lights.positions_mm is None:
        raise ValueError("a rig by position needs positions")
    rows = [
        "# Lights from the card's centre, in mm: x right and y up in the photograph, z towards the camera."
    ]
    for name, position in zip(lights.names, lights.positions_mm, strict=True):
        rows += [
            "",
            "[[lights]]",
            f'name = "{name}"',
            f"position_mm = [{', '.join(f'{v:.3f}' for v in position)}]",
        ]
    return "\n".join(rows) + "\n"


def lp_text(lights: Lights, file_names: list[str]) -> str:
    """The lights as directions in the convention of reflectance imaging."""
    rows = [str(len(lights))]
    for name, direction in zip(file_names, lights.directions, strict=True):
        rows.append(f"{name} " + " ".join(f"{v:.8f}" for v in direction))
    return "\n".join(rows) + "\n"


def write_side(
    side: RenderedSide, folder: Path, *, image_format: ImageFormat = "jpeg", maps: bool = True
) -> None:
    """Write the files listed above into ``folder``, which is made when it is not there. ``maps=False`` leaves
    out the maps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{frame.name}{_SUFFIX[image_format]}" for frame in side.frames]
    for frame, name in zip(side.frames, names, strict=True):
        (folder / name).write_bytes(encode_frame(frame.pixels, image_format))
    (folder / "rig.toml").write_text(rig_toml(side.lights), "utf-8")
    (folder / "lights.lp").write_text(lp_text(side.lights, names), "utf-8")
    _write_json(folder / "truth.json", side.truth.model_dump(mode="json"))
    _write_json(folder / "truth_extra.json", _extra(side))
    if maps:
        write_maps(side.maps, folder / "truth_maps.npz")


def write_maps(maps: TruthMaps, path: Path) -> None:
    """Write the truth maps (numpy's own form, uncompressed)."""
    np.savez(
        path,
        normal=maps.normal.astype(np.float16),
        albedo=maps.albedo.astype(np.float16),
        height_um=maps.height_um,
        coverage=maps.coverage.astype(np.float16),
        foil=maps.foil,
        px_per_mm=np.float64(maps.px_per_mm),
        margin_mm=np.float64(maps.margin_mm),
    )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", "utf-8")


def _extra(side: RenderedSide) -> dict[str, Any]:
    scene = side.scene
    return {
        "seed": scene.seed,
        "side": scene.side,
        "frame_to_reference": side.to_reference.tolist(),
        "px_per_mm": scene.camera.px_per_mm,
        "rotation_deg": scene.camera.rotation_deg,
        "tilt_deg": list(scene.camera.tilt_deg),
        "border": {
            "name": scene.print.border_name,
            "nominal_mm": list(scene.print.border_mm),
            "offset_mm": list(scene.print.offset_mm),
            "print_radius_mm": scene.print.radius_mm,
        },
        "table": scene.table.name,
        "curl_um": list(scene.surface.curl_um),
        "intensities": scene.rig.intensities.tolist(),
        "gloss": {"f0": scene.surface.gloss_f0, "roughness": scene.surface.gloss_roughness},
        "effects": asdict(scene.effects) if scene.effects else None,
    }
