"""Sample predictions: the same held-out items at every evaluation, truth and prediction beside each other."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from rcg.datasets.sample import Sample
from rcg.training.data import TrainingData
from rcg.training.predict import annotations_of

COUNT: Final = 8
FOLDER: Final = "samples"
_QUALITY: Final = 85


def chosen(data: TrainingData) -> list[int]:
    """Return the held-out items to show: spread over all, those with annotations first."""
    labelled = [i for i, record in enumerate(data.val.records) if record.annotations]
    rest = [i for i, record in enumerate(data.val.records) if not record.annotations]
    pool = labelled if len(labelled) >= COUNT else labelled + rest
    if len(pool) <= COUNT:
        return pool
    return [pool[int(at)] for at in np.linspace(0, len(pool) - 1, COUNT)]


def write(
    run_dir: Path, step: int, data: TrainingData, index: int, place: int, output: dict[str, npt.NDArray[Any]]
) -> dict[str, Any]:
    """Write one sample's picture and shapes below ``samples/step-<step>``; return the event's data."""
    sample = data.val[index]
    width, height = sample.size
    folder = run_dir / FOLDER / f"step-{step:06d}"
    folder.mkdir(parents=True, exist_ok=True)
    _place_picture(run_dir / FOLDER / "pictures" / f"{place}.webp", folder / f"{place}.webp", sample)
    predicted = annotations_of(output, data.schema, (1.0, 1.0), limit=(width, height))
    record = data.val.records[index]
    said = {
        "step": step,
        "index": place,
        "item": record.id,
        "name": record.name,
        "file": f"{place}.webp",
        "width": width,
        "height": height,
        "truth": [_shape(a.model_dump(mode="json")) for a in sample.annotations],
        "predicted": [_shape(a.model_dump(mode="json")) for a in predicted],
    }
    (folder / f"{place}.json").write_text(json.dumps(said), encoding="utf-8")
    return said


def _shape(body: dict[str, Any]) -> dict[str, Any]:
    return {key: body[key] for key in ("id", "label", "shape", "score") if body.get(key) is not None}


def _place_picture(kept: Path, wanted: Path, sample: Sample) -> None:
    """The picture is the same at every evaluation: it is drawn once, and linked."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(".new")
        temporary.write_bytes(picture(sample))
        temporary.replace(kept)
    wanted.unlink(missing_ok=True)
    try:
        os.link(kept, wanted)
    except OSError:
        with contextlib.suppress(shutil.SameFileError):
            shutil.copyfile(kept, wanted)


def picture(sample: Sample) -> bytes:
    """Return a WebP of what people know a card by: its colour, else albedo, else the first layer."""
    names = [name for name in ("colour", "albedo", *sample.layers) if name in sample.layers]
    array = sample.layers[names[0]].array
    if array.dtype != np.uint8:
        values = array.astype(np.float32)
        values = values[..., None] if values.ndim == 2 else values
        spread = max(float(np.abs(values).max()), 1e-6)
        array = np.clip(values / spread * 127 + 128, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array).save(
        out, "WEBP", quality=_QUALITY
    )
    return out.getvalue()
