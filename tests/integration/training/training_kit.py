"""Small datasets that train in seconds, written straight into a server's store; and waiting for runs."""

from __future__ import annotations

import io
import json
import time

import numpy as np
from PIL import Image

from rcg.datasets.kinds import resolve
from rcg.datasets.layers import NPY, role_of
from rcg.datasets.manifest import Header, ItemRecord, LayerRef, write
from rcg.datasets.schema import Annotation, Part, Polygon
from rcg.store.dataset_models import Dataset, DatasetItem, DatasetVersion, ItemLayer
from rcg.store.repositories import blobs

WIDTH, HEIGHT = 64, 96
NARROW = {"fpn_channels": 16, "head_width": 32, "mask_channels": 16, "mask_layers": 1}
"""options of a network that takes a step in a tenth of a second"""
SMALL = {
    "steps": 8, "eval_every": 4, "checkpoint_every": 2, "batch_size": 2, "input_size": [64, 96],
    **{f"model.{name}": value for name, value in NARROW.items()},
}  # fmt: skip
"""options of a run that takes seconds"""
ENDED = {"done", "failed", "cancelled", "paused"}


def ring(x, y, width, height):
    """A rectangle as a polygon."""
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return Polygon(parts=[Part(outer=corners)])


def picture(seed):
    """A card's colours with a dark stain, the same for the same seed; the stain's place, and the dent's."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(150, 190, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    stain = (int(rng.integers(4, 24)), int(rng.integers(4, 34)))
    dent = (int(rng.integers(4, 34)), int(rng.integers(52, 70)))
    pixels[stain[1] : stain[1] + 20, stain[0] : stain[0] + 26] = (60, 40, 30)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue(), stain, dent


def normals(dent):
    """Normals that lean outwards in the dent and point to the camera elsewhere, float16."""
    normal = np.zeros((HEIGHT, WIDTH, 3), np.float16)
    normal[..., 2] = 1
    normal[dent[1] : dent[1] + 20, dent[0] : dent[0] + 24, 0] = 0.4
    file = io.BytesIO()
    np.save(file, normal)
    return file.getvalue()


def record(parts, seed, split, *, relief=True, labelled=True):
    """An item of a manifest, its layers stored; and the sizes of its blobs."""
    image, stain, dent = picture(seed)
    layers, sizes = [], {}
    for name, data, kind in (("albedo", image, "image/png"), ("normal", normals(dent), NPY)):
        if name == "normal" and not relief:
            continue
        info = parts.blobs.add(data)
        sizes[info] = kind
        layers.append(LayerRef(name=name, role=role_of(name), sha256=info.sha256, media_type=kind))
    shapes = [("stain", ring(*stain, 26, 20)), ("dent", ring(*dent, 24, 20))] if labelled else []
    item = ItemRecord(
        id=f"{seed:032x}", name=f"card-{seed:03d}.png", width=WIDTH, height=HEIGHT, px_per_mm=2.0,
        card=f"card-{seed:03d}", split=split, layers=layers,
        annotations=[
            Annotation(id=f"{seed * 10 + place:032x}", label=label, shape=shape, source="render")
            for place, (label, shape) in enumerate(shapes)
        ],
    )  # fmt: skip
    return item, sizes


def add_dataset(parts, name="Small", *, train=6, val=3, relief=True, kind="photometric_fusion", first=1):
    """A dataset with a version of so many items; returns the ids of the two."""
    known = resolve(kind)
    items, sizes = [], {}
    for seed in range(first, first + train + val):
        item, own = record(parts, seed, "train" if seed < first + train else "val", relief=relief)
        items.append(item)
        sizes |= own
    layers = ["albedo", "normal"] if relief else ["albedo"]
    header = Header(dataset=name, kind=kind, number=1, label_schema=known.label_schema, items=len(items))
    out = io.BytesIO()
    sha256 = write(header, items, out)
    manifest = parts.blobs.add(out.getvalue())
    with parts.db.write() as session:
        for info, media_type in sizes.items():
            blobs.ensure(session, info, media_type)
        blobs.ensure(session, manifest, "application/x-ndjson")
        dataset = Dataset(name=name, kind=kind, label_schema=known.label_schema.model_dump(mode="json"))
        session.add(dataset)
        session.flush()
        version = DatasetVersion(
            dataset_id=dataset.id, dataset_name=name, kind=kind, number=1, manifest_sha256=sha256,
            content_sha256=sha256, split={"seed": 0, "shares": {"train": 0.8, "val": 0.2, "test": 0.0}},
            summary={"items": len(items), "layers": dict.fromkeys(layers, len(items)),
                     "splits": {"train": {"items": train}, "val": {"items": val}}},
        )  # fmt: skip
        session.add(version)
        session.flush()
        return dataset.id, version.id


def add_items(parts, dataset_id, seeds, *, relief=True):
    """Unlabelled items in a dataset's rows; returns their ids."""
    ids = []
    with parts.db.write() as session:
        for position, seed in enumerate(seeds):
            item, sizes = record(parts, seed, "train", relief=relief, labelled=False)
            for info, media_type in sizes.items():
                blobs.ensure(session, info, media_type)
            row = DatasetItem(
                id=item.id, dataset_id=dataset_id, name=item.name, position=position, width_px=WIDTH,
                height_px=HEIGHT, px_per_mm=2.0, card_key=item.card, source="upload", state="ready",
                layers=[ItemLayer(name=layer.name, role=layer.role, position=place,
                                  blob_sha256=layer.sha256, media_type=layer.media_type)
                        for place, layer in enumerate(item.layers)],
            )  # fmt: skip
            session.add(row)
            ids.append(item.id)
    return ids


def until(condition, within_s=120):
    """Wait until it holds, and return what it gave."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


def ended(client, run_id, states=ENDED, within_s=200):
    """Wait until a run has ended, and return it."""

    def look():
        run = client.get(f"/api/training/{run_id}").json()
        return run if run["state"] in states else None

    return until(look, within_s)


def all_events(client, run_id, limit=50):
    """The whole history, page by page."""
    rows, last = [], -1
    while True:
        page = client.get(f"/api/training/{run_id}/events", params={"after": last, "limit": limit}).json()
        rows += page["events"]
        if not page["more"]:
            return rows
        last = rows[-1]["seq"]


def lines(path):
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]
