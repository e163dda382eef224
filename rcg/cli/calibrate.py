"""``rcg calibrate``: where a rig's lights are and how evenly they shine, from photographs.

The photographs are measured in this process; only what was found goes to the rig.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import quote

import typer

from rcg.errors import InputError
from rcg.files import write_for_user

if TYPE_CHECKING:
    from rcg.capture.calibrate import Reading
    from rcg.capture.card_input import FrameFile
    from rcg.capture.lights.calibration import FlatCalibration, LightsCalibration
    from rcg.capture.lights.places import Places
    from rcg.cli.backend import Backend
    from rcg.photometric.calibrate import CardPlace
    from rcg.photometric.types import BoolArray

Found = TypeVar("Found")
Frames = Annotated[
    list[Path],
    typer.Argument(
        metavar="FRAMES...", help="One photograph per light, in order or named by it; or their folder."
    ),
]
RigName = Annotated[str, typer.Option("--rig", metavar="NAME", help="Name or id of the rig.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what was found, and change no rig.")]
CardSize = Annotated[
    str, typer.Option("--card", metavar="WIDTHxHEIGHT", help="Size of the white card in mm.")
]
Scale = Annotated[
    float | None,
    typer.Option(
        "--px-per-mm", min=0.1, help="Scale of the photographs, where the card fills them from edge to edge."
    ),
]
Threads = Annotated[int, typer.Option(help="Compute threads; 0: one per core.", min=0)]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Measure a rig's lights on a ball or a white card.")
    for command in (ball, flat, ring):
        group.command(command.__name__)(command)
    app.add_typer(group, name="calibrate")


def ball(
    frames: Frames,
    rig: Annotated[str | None, typer.Option("--rig", metavar="NAME", help="Keep it with this rig.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a .lp file, or a rig as .toml.")
    ] = None,
    ball_mm: Annotated[
        float | None, typer.Option(min=0.1, help="The ball's diameter; with it places are told in mm.")
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(min=2, max=150, help="Field of view across the picture's longer side, degrees."),
    ] = None,
    balls: Annotated[int, typer.Option(min=1, max=8, help="How many balls each picture shows.")] = 1,
    circle: Annotated[
        str | None, typer.Option(metavar="X,Y,RADIUS", help="Where the ball is, in pixels.")
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="A picture that is white where the ball is.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    threads: Threads = 0,
) -> None:
    """Measure lights by their mirror images on a chrome or black ball.

    Several folders are one ball at several places: then the lights' places are told, not only directions.
    """
    from rcg.capture.calibrate import calibrate_ball
    from rcg.photometric.calibrate import BallOptions

    if rig is None and out is None and not (dry_run or as_json):
        raise InputError("Nothing says where the result shall go.", "Add --rig NAME, --out FILE or --json.")
    options = BallOptions(balls, ball_mm, fov, _circle(circle), None if mask is None else _mask(mask))
    with _rig(rig) as known:
        sets = _sets(frames, known.names if known else None)
        places = known.places if known else None
        found, seen = _measure(lambda reading: calibrate_ball(sets, options, reading, places), threads)
        kept_with = _keep(known, rig, found, dry_run=dry_run)
    if out is not None:
        _write_lights(out, found, [light.file_name for light in seen.lights])
    _tell(found, kept_with, out, as_json=as_json)


def flat(
    frames: Frames,
    rig: RigName,
    card: CardSize = "63x88",
    px_per_mm: Scale = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    threads: Threads = 0,
) -> None:
    """Measure how evenly each light shines, on a flat, matte, white card in the card's place."""
    from rcg.capture.calibrate import calibrate_flat

    with _rig(rig) as known:
        files = _one_set(frames, known.names if known else ())
        place = _place(card, px_per_mm, known)
        found, _ = _measure(lambda reading: calibrate_flat(files, place, reading), threads)
        kept_with = _keep(known, rig, found, dry_run=dry_run)
    _tell(found, kept_with, None, as_json=as_json)


def ring(
    frames: Frames,
    rig: RigName,
    card: CardSize = "63x88",
    px_per_mm: Scale = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    threads: Threads = 0,
) -> None:
    """Refine where a rig has its lights, by how their light falls off over a flat, matte, white card."""
    from rcg.capture.calibrate import calibrate_ring

    with _rig(rig) as known:
        if known is None:
            raise InputError("No rig was named.", "Add --rig NAME.")
        files, place, places = _one_set(frames, known.names), _place(card, px_per_mm, known), known.places
        found, _ = _measure(lambda reading: calibrate_ring(files, places, place, reading), threads)
        kept_with = _keep(known, rig, found, dry_run=dry_run)
    _tell(found, kept_with, None, as_json=as_json)


def _keep(
    known: _Rig | None, name: str | None, found: LightsCalibration | FlatCalibration, *, dry_run: bool
) -> str | None:
    """Keep what was found with its rig unless it shall only be shown; return the rig's name if so."""
    if known is None or dry_run:
        return None
    known.keep(found)
    return name


@dataclass(frozen=True)
class _Rig:
    """A rig, as a command needs it."""

    places: Places
    names: list[str]
    mat_scale: float | None
    backend: Backend
    path: str

    def keep(self, found: LightsCalibration | FlatCalibration) -> None:
        """Keep what was found with the rig."""
        self.backend.put(f"{self.path}/calibration", {"calibration": found.model_dump(mode="json")})


@contextmanager
def _rig(name: str | None) -> Iterator[_Rig | None]:
    """Open the rig of a name for the block; None without a name."""
    if name is None:
        yield None
        return
    from rcg.capture.lights.places import PLACES
    from rcg.cli.backend import open_backend

    with open_backend() as backend:
        path = f"/rigs/{quote(name, safe='')}"
        row = backend.get(path)
        scale = backend.get("/mat/print")["scale"]
        yield _Rig(PLACES.validate_python(row["lights"]), row["names"], scale, backend, path)


def _sets(frames: Sequence[Path], names: Sequence[str] | None) -> list[list[FrameFile]]:
    """Return the photographs, a set for each folder, one for those that were named singly."""
    singly = [path for path in frames if not path.is_dir()]
    groups = [singly] if singly else []
    groups += [_images(path) for path in frames if path.is_dir()]
    return [_named(group, names) for group in groups]


def _one_set(frames: Sequence[Path], names: Sequence[str]) -> list[FrameFile]:
    sets = _sets(frames, names)
    if len(sets) != 1:
        raise InputError(f"{len(sets)} sets of photographs were given.", "Give one photograph per light.")
    return sets[0]


def _images(folder: Path) -> list[Path]:
    from rcg.capture.folder import IMAGE_ENDINGS

    found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS]
    if not found:
        raise InputError(f"{folder} has no photograph.", "Put in one per light (JPEG, PNG, TIFF or WebP).")
    return sorted(found, key=lambda path: [(len(p), p) for p in re.findall(r"\d+|\D+", path.name.lower())])


def _named(paths: Sequence[Path], names: Sequence[str] | None) -> list[FrameFile]:
    """Give each photograph its light; without a rig they are lights 1, 2, ... as they come."""
    from rcg.capture.calibrate import lights_of_files
    from rcg.capture.card_input import FrameFile
    from rcg.photometric.lights import is_ambient, split_light, stem

    files = [path.name for path in paths]
    if names is None:
        lit = [name for name in files if not is_ambient(split_light(stem(name))[1] or "")]
        names = [str(number) for number in range(1, len(lit) + 1)]
    lights = lights_of_files(files, names)
    return [FrameFile(light, path.name, path) for light, path in zip(lights, paths, strict=True)]


def _place(card: str, px_per_mm: float | None, rig: _Rig | None) -> CardPlace:
    from rcg.cli.grade import parse_size
    from rcg.photometric.calibrate import CardPlace

    return CardPlace(*parse_size(card), px_per_mm=px_per_mm, mat_scale=rig.mat_scale if rig else None)


def _circle(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        x, y, radius = (float(part) for part in text.split(","))
    except ValueError:
        radius = 0.0
    if radius <= 0:
        raise InputError(f"--circle {text!r} is no circle.", "Write X,Y,RADIUS in pixels, as 960,540,210.")
    return x, y, radius


def _mask(path: Path) -> BoolArray:
    import numpy as np

    from rcg.photometric.calibrate.pictures import linear
    from rcg.photometric.images import decode

    picture = linear(decode(path, name="mask", file_name=path.name, encoding="linear"))
    return np.asarray(picture.max(axis=2) > 0.5, bool)


def _measure(measure: Callable[[Reading], Found], threads: int) -> Found:
    """Run with a progress line."""
    from rcg.capture.calibrate import Reading
    from rcg.cli.grade import progress_line

    progress, finish = progress_line()
    try:
        return measure(Reading(threads=threads or os.cpu_count() or 1, progress=progress))
    finally:
        finish()


def _write_lights(path: Path, found: LightsCalibration, file_names: Sequence[str]) -> None:
    """Write what was found as a ``.lp`` file, or as a rig where the file is named ``.toml``."""
    import numpy as np

    from rcg.capture.lights.calibration import day
    from rcg.photometric.light_text import lp_text, rig_text
    from rcg.photometric.types import Measured

    vectors = np.array([light.vector for light in found.lights])
    if path.suffix.lower() == ".toml":
        names = [light.name for light in found.lights]
        text = rig_text(names, vectors, near=found.near, measured=Measured(found.by, day(found.at)))
    else:
        text = lp_text(file_names, vectors)
    write_for_user(path, text.encode())


def _tell(
    found: LightsCalibration | FlatCalibration, kept_with: str | None, out: Path | None, *, as_json: bool
) -> None:
    if as_json:
        print(json.dumps(found.model_dump(mode="json"), indent=2))
        return
    print("\n".join(_lines(found)))
    for remark in found.remarks:
        print(remark)
    if out is not None:
        print(f"Written to {out}.")
    if kept_with is not None:
        print(f"Kept with the rig {kept_with}; captures from now on carry it.")


def _lines(found: LightsCalibration | FlatCalibration) -> Iterator[str]:
    if found.what == "flat":
        yield f"Flat field by {found.where}; {found.dust:.1%} of the card left out as dust."
        for one in found.lights:
            yield (
                f"  light {one.name:>2}  level {one.level:5.3f}  uneven by {one.unevenness:6.1%}  "
                f"left over {one.residual:.2%}"
            )
        return
    if found.by == "ring":
        yield f"Misfit over the card {found.before or 0:.2%} before, {found.after or 0:.2%} after."
        for p in found.figures:
            told = "" if p.determined else "  (not determined)"
            yield f"  {p.name:<20} {p.before:8.1f} -> {p.after:8.1f} ± {p.se:.1f} {p.unit}{told}"
    for light in found.lights:
        x, y, z = light.vector
        at = f"{x:8.1f} {y:8.1f} {z:8.1f} mm" if found.near else f"{x:8.4f} {y:8.4f} {z:8.4f}   "
        error = "" if light.se_mm is None else f"  ± {', '.join(f'{sd:.1f}' for sd in light.se_mm)} mm"
        angle = "" if light.se_deg is None else f"  ± {light.se_deg:.2f}°"
        yield f"  light {light.name:>2}  {at}{angle}{error}"
