"""``rcg solve``: normals, albedo and height of any object, from frames under known lights."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rcg.photometric.solve_run import Solved


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("solve")(solve)


def solve(
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="FRAMES...",
            help="Images, one per light; a folder of them; or one .npz with images (N, H, W[, 3]).",
        ),
    ],
    lights: Annotated[
        Path, typer.Option(help="A .lp file, a rig in TOML, or rows x y z (x right, y up, z to the camera).")
    ],
    out: Annotated[Path, typer.Option(metavar="OUT.npz", help="Where the maps go; pictures go beside it.")],
    intensities: Annotated[
        Path | None, typer.Option(help="Brightness of each light: rows of one number, or red green blue.")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="Image or .npy: above 0 is the object. Given, no card is looked for.")
    ] = None,
    linear: Annotated[
        bool | None,
        typer.Option("--linear/--srgb", help="Of integer samples. [default:] 8 bit: sRGB, 16 bit: linear."),
    ] = None,
    no_card: Annotated[bool, typer.Option("--no-card", help="Do not look for a card.")] = False,
    method: Annotated[
        Literal["auto", "robust", "least-squares"],
        typer.Option(help="For objects. auto: gloss and shade are estimated; robust: matte with outliers."),
    ] = "auto",
    px_per_mm: Annotated[float, typer.Option(help="Scale of a card's maps.", min=5, max=60)] = 20.0,
    pictures: Annotated[
        bool, typer.Option(help="Write PNG pictures of the maps and frames for relighting programs.")
    ] = True,
    threads: Annotated[int, typer.Option(help="Compute threads; 0: one per core.", min=0)] = 0,
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        typer.Option(help="Where a card is solved; auto: CUDA if there is one."),
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, for a script.")] = False,
) -> None:
    """Solve normals, albedo, confidence and height of an object, with or without a card in the picture."""
    from rcg.photometric.solve_object import Method
    from rcg.photometric.solve_run import solve_files
    from rcg.photometric.solve_write import check_target, write_maps, write_pictures, write_relighting
    from rcg.photometric.solve_write import pictures as drawn

    target = check_target(out)
    began = time.perf_counter()
    chosen: Method = "least_squares" if method == "least-squares" else method
    solved = solve_files(
        frames,
        lights,
        intensities_file=intensities,
        mask_file=mask,
        encoding=None if linear is None else "linear" if linear else "srgb",
        card=not no_card,
        method=chosen,
        px_per_mm=px_per_mm,
        threads=threads or os.cpu_count() or 1,
        device=device,
    )
    said = _figures(solved, time.perf_counter() - began)
    write_maps(target, solved.maps, said)
    written = [target]
    if pictures:
        written += write_pictures(target, drawn(solved.maps, solved.mask))
        written.append(write_relighting(target, solved.frames, solved.directions))
    if as_json:
        print(json.dumps(said | {"files": [str(path) for path in written]}, indent=2))
        return
    print(_summary(said, target, written))
    for note in solved.notes:
        sys.stderr.write(f"{note}\n")
    for warning in solved.warnings:
        sys.stderr.write(f"Warning: {warning}\n")


def _figures(solved: Solved, seconds: float) -> dict[str, Any]:
    import numpy as np

    confidence = solved.maps["confidence"][solved.mask]
    residual = solved.maps["residual"][solved.mask][confidence > 0]
    height, width = solved.mask.shape
    return {
        "width": width,
        "height": height,
        "lights": len(solved.directions),
        "pixels": int(solved.mask.sum()),
        "solved_share": round(float((confidence > 0).mean()), 4),
        "median_confidence": round(float(np.median(confidence)), 4),
        "median_residual": round(float(np.median(residual)), 4) if residual.size else None,
        "total_seconds": round(seconds, 2),
        **solved.meta,
        "notes": list(solved.notes),
        "warnings": list(solved.warnings),
    }


def _summary(said: dict[str, Any], target: Path, written: list[Path]) -> str:
    what = "Card" if said["card"] else "Object"
    misfit = "" if said["median_residual"] is None else f", median misfit {said['median_residual']:.1%}"
    size, seconds = f"{said['width']} x {said['height']}", said["total_seconds"]
    maps = f"normal, albedo, confidence, residual, specular, height in {said['unit']}, curvature"
    lines = [
        f"{what}: maps of {size} from {said['lights']} lights in {seconds:.1f} s.",
        (
            f"Solved: {said['solved_share']:.1%} of {said['pixels']} pixels, "
            f"median confidence {said['median_confidence']:.2f}{misfit}."
        ),
    ]
    if "reflectance" in said:
        lines.append(f"Reflectance: {said['reflectance']}.")
    lines.append(f"Maps: {target} ({maps}).")
    if len(written) > 1:
        lines.append(f"Pictures: {target.with_name(target.stem)}_*.png; to relight: {written[-1]}")
    return "\n".join(lines)
