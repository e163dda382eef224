"""A folder on disk as the capture of a card: frames by light, lights from a file or from names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from rcg.capture.card_input import CaptureError, CardInput, FrameFile, SideInput
from rcg.grading.schema import SideName
from rcg.photometric.light_files import LightsError, parse
from rcg.photometric.lights import AMBIENT_NAMES, LightsSpec, match, split_light, stem

IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
PHOTO = "photo"
"""light name of a photograph that stands alone"""

_SIDES: tuple[SideName, ...] = ("front", "back")
_FRAMES_LISTED = 12


def read_folder(
    path: Path,
    *,
    side: SideName = "front",
    capture: str | None = None,
    lights_file: Path | None = None,
    elevation_deg: float | None = None,
    ring: int | None = None,
) -> CardInput:
    """Find the capture in a folder, or take one photograph.

    A folder holds the frames of one side, or the folders ``front`` and ``back``. Frames are named by their
    light at the end of the name (``1.jpg``, ``card_1_up.jpg``); what stands before is the capture's name. One
    image alone is one photograph without relief. The lights come from ``lights_file``, from the folder's rig
    (``.toml``, which may know positions) or ``.lp`` file, or from the names.

    Args:
        path: the folder, or one image file.
        side: which side a folder without ``front`` and ``back`` shows.
        capture: which of several captures to take.
        lights_file: a ``.lp`` or rig file for every side.
        elevation_deg: assumed elevation for lights told by name, above 0 and below 90.
        ring: how many lights a numbered ring has, 3 to 360.

    Raises:
        CaptureError: nothing there, no image, several captures (listed), names that tell no light.
        LightsError: lights and frames do not fit; an elevation or a ring that cannot be, or beside a light
            file, which says both itself.
    """
    if not path.exists():
        raise CaptureError(
            f"{path} does not exist.", "Give a folder with the frames of one card, or one photograph."
        )
    given = _Given(capture, _read_lights(lights_file) if lights_file else None, elevation_deg, ring)
    given.by_names()  # what cannot be is refused whatever the folder holds
    if path.is_file():
        photo = FrameFile(PHOTO, path.name, path)
        return CardInput({side: SideInput((photo,))}, path.stem)
    folders = {entry.name.lower(): entry for entry in _entries(path) if entry.is_dir()}
    sides = [name for name in _SIDES if name in folders]
    if not sides:
        found, name, notes = _read_side(path, given)
        return CardInput({side: found}, name, tuple(notes))
    loose = [entry.name for entry in _entries(path) if _is_image(entry)]
    if loose:
        raise CaptureError(
            f"{path} has the folder {' and '.join(sides)} and also images beside it: {_listed(loose)}.",
            "Put every frame into front/ or back/.",
        )
    inputs: dict[SideName, SideInput] = {}
    notes = []
    for name in sides:
        shared = given if given.lights else replace(given, lights=_only_lights(path))
        inputs[name], _, more = _read_side(folders[name], shared)
        notes += [f"{name}/{note}" for note in more]
    return CardInput(inputs, path.resolve().name, tuple(notes))


@dataclass(frozen=True)
class _Given:
    """What the caller said of the lights and of which capture."""

    capture: str | None
    lights: LightsSpec | None
    elevation_deg: float | None
    ring: int | None

    def by_names(self) -> LightsSpec | None:
        """Return the spec of lights told by name; None where nothing was said."""
        if self.elevation_deg is None and self.ring is None:
            return None
        said = {"elevation_deg": self.elevation_deg, "ring": self.ring}
        try:
            return LightsSpec.model_validate(
                {"kind": "azimuth"} | {k: v for k, v in said.items() if v is not None}
            )
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).removesuffix("_deg")
            raise LightsError(
                f"--{name} {first['input']:g} cannot be.",
                "The elevation lies above 0 and below 90 degrees; a ring has 3 to 360 lights.",
            ) from error

    def refuse_beside_a_file(self, folder: Path) -> None:
        """Refuse an elevation or a ring where a light file says from where each light shines."""
        said = [("--elevation", self.elevation_deg), ("--ring", self.ring)]
        names = " and ".join(name for name, value in said if value is not None)
        if names:
            raise LightsError(
                f"{names} came together with a light file for {folder}, which says where the lights are.",
                f"Leave out {names}, or take the light file away to have the lights told by name.",
            )


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(
            (entry for entry in folder.iterdir() if not entry.name.startswith(".")), key=natural_order
        )
    except OSError as error:
        raise CaptureError(
            f"{folder} cannot be read: {error.strerror or error}.", "Check its permissions."
        ) from error


def natural_order(path: Path) -> list[tuple[int, int, str]]:
    """Sort numbers in names as numbers: frame 2 before frame 10."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part)
        for part in re.findall(r"\d+|\D+", path.name.lower())
    ]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_ENDINGS and path.is_file()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FRAMES_LISTED])
    return f"{shown} and {len(names) - _FRAMES_LISTED} more" if len(names) > _FRAMES_LISTED else shown


def _read_lights(path: Path) -> LightsSpec:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise LightsError(
            f"The light file {path} cannot be read: {reason}.", "Give a .lp or a rig .toml file."
        ) from error
    return LightsSpec(kind="rig" if path.suffix.lower() == ".toml" else "lp", text=text)


def _only_lights(folder: Path) -> LightsSpec | None:
    for ending in (".toml", ".lp"):
        files = [entry for entry in _entries(folder) if entry.suffix.lower() == ending and entry.is_file()]
        if len(files) > 1:
            raise LightsError(
                f"{folder} has several light files: {_listed([file.name for file in files])}.",
                "Keep one, or name it with --lights.",
            )
        if files:
            return _read_lights(files[0])
    return None


def _read_side(folder: Path, given: _Given) -> tuple[SideInput, str | None, list[str]]:
    """Return a side, the name its files tell, and what was passed over."""
    entries = _entries(folder)
    images = [entry for entry in entries if _is_image(entry)]
    spec = given.lights or _only_lights(folder)
    ignored = [e.name for e in entries if not _is_image(e) and e.suffix.lower() not in (".lp", ".toml")]
    notes = [f"Not images, passed over: {_listed(ignored)}."] if ignored else []
    if not images:
        raise CaptureError(
            f"{folder} has no image" + (f", only {_listed(ignored)}" if ignored else "") + ".",
            "Put in the frames of one card (JPEG, PNG, TIFF or WebP), one per light.",
        )
    if len(images) == 1:
        return SideInput((FrameFile(PHOTO, images[0].name, images[0]),)), images[0].stem, notes
    if spec is not None:
        given.refuse_beside_a_file(folder)
        listed = _by_light_file(images, spec, given.capture)
        if listed is not None:
            return SideInput(listed, spec), given.capture or folder.resolve().name, notes
    captures = _by_name(images)
    name, frames = _chosen(captures, given.capture, folder)
    if spec is not None:
        match(parse(spec.kind, spec.text or ""), [f.light for f in frames if f.light not in AMBIENT_NAMES])
    return SideInput(frames, spec or given.by_names()), name or folder.resolve().name, notes


def _by_light_file(images: list[Path], spec: LightsSpec, capture: str | None) -> tuple[FrameFile, ...] | None:
    """Name the frames by the rows of a light file; None where its rows are lights, not files (``up``)."""
    if spec.kind == "azimuth":
        return None
    rows = parse(spec.kind, spec.text or "")
    images = [image for image in images if capture is None or stem(image.name).startswith(capture.lower())]
    ambient = [image for image in images if split_light(stem(image.name))[1] in AMBIENT_NAMES]
    if rows.names is None:
        if len(rows) == len(images):
            ambient = []
    else:
        known = {stem(name) for name in rows.names}
        if not known & {stem(image.name) for image in images}:
            return None
        ambient = [image for image in ambient if stem(image.name) not in known]
    lit = [image for image in images if image not in ambient]
    match(rows, [image.name for image in lit])
    names = {image: image.stem for image in lit} | dict.fromkeys(ambient, "ambient")
    return tuple(FrameFile(names[image], image.name, image) for image in images)


def _by_name(images: list[Path]) -> dict[str, list[FrameFile]]:
    """Group images by what stands before the light in their names."""
    captures: dict[str, list[FrameFile]] = {}
    for image in images:
        name, light = split_light(image.stem)
        frame = FrameFile(light or image.stem, image.name, image)
        captures.setdefault(name if light else "", []).append(frame)
    loose = captures.get("", [])
    if loose and len(captures) == 2 and all(frame.light in AMBIENT_NAMES for frame in loose):
        # "ambient.jpg" beside "card_1.jpg", "card_2.jpg", ...: it belongs to the only capture there is.
        del captures[""]
        next(iter(captures.values())).extend(loose)
    return captures


def _chosen(
    captures: dict[str, list[FrameFile]], wanted: str | None, folder: Path
) -> tuple[str, tuple[FrameFile, ...]]:
    listing = "; ".join(
        f"{name or '(no name)'}: {_listed([frame.file_name for frame in frames])}"
        for name, frames in captures.items()
    )
    if wanted is not None:
        if wanted not in captures:
            raise CaptureError(f"{folder} has no capture {wanted!r}. It has {listing}.", "Name one of these.")
        return wanted, tuple(captures[wanted])
    if len(captures) > 1:
        raise CaptureError(
            f"{folder} has {len(captures)} captures. {listing}.",
            "Give one capture per folder, or choose one with --capture NAME.",
            captures={name: [frame.file_name for frame in frames] for name, frames in captures.items()},
        )
    name, frames = next(iter(captures.items()))
    return name, tuple(frames)
