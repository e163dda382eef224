"""A dataset version of rendered cards in a folder: a manifest and its blobs, without server or database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from rcg.datasets.encode import encode_layers
from rcg.datasets.kinds import resolve
from rcg.datasets.manifest import Header, ItemRecord, LayerRef, write
from rcg.datasets.rendered import RenderedItem, render_item
from rcg.datasets.sample import Sample
from rcg.datasets.schema import LabelSchema, Split

MANIFEST = "version.jsonl"


class Folder:
    """A folder of blobs and one manifest.

    Args:
        path: made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @property
    def manifest(self) -> Path:
        """Where the version is."""
        return self.path / MANIFEST

    def path_of(self, sha256: str) -> Path:
        """Where the blob of a hash lies."""
        return self.path / sha256

    def store(self, sample: Sample) -> list[LayerRef]:
        """Write the layers of a sample."""
        refs = []
        for layer in encode_layers(sample.layers):
            sha256 = hashlib.sha256(layer.data.data).hexdigest()
            self.path_of(sha256).write_bytes(layer.data.data)
            refs.append(
                LayerRef(name=layer.name, role=layer.role, sha256=sha256, media_type=layer.data.media_type)
            )
        return refs

    def record(self, item: RenderedItem, split: Split) -> ItemRecord:
        """Write an item's layers; return it as a version holds it."""
        width, height = item.sample.size
        lights = {
            name: (float(xyz[0]), float(xyz[1]), float(xyz[2])) for name, xyz in item.sample.lights.items()
        }
        return ItemRecord(
            id=hashlib.sha256(item.name.encode()).hexdigest()[:32],
            name=item.name,
            width=width,
            height=height,
            px_per_mm=item.sample.px_per_mm,
            margin_mm=item.margin_mm,
            card=item.card,
            side=item.side,
            split=split,
            layers=self.store(item.sample),
            lights=lights,
            annotations=list(item.sample.annotations),
        )

    def write(self, records: Iterable[ItemRecord], kind: str, schema: LabelSchema | None = None) -> str:
        """Write the manifest; return its hash."""
        ordered = sorted(records, key=lambda record: record.id)
        header = Header(
            dataset=f"rendered {kind}",
            kind=kind,
            number=1,
            label_schema=schema or resolve(kind).label_schema,
            items=len(ordered),
        )
        with self.manifest.open("wb") as out:
            return write(header, ordered, out)


def rendered_set(
    path: Path,
    kind: str,
    train: int,
    val: int,
    *,
    seed: int = 0,
    threads: int = 1,
    say: Callable[[int, int], None] = lambda *_: None,
) -> Folder:
    """Render cards of a kind into a folder, the first ``train`` to learn from and ``val`` held out.

    A folder that is there already is taken as it is.

    Args:
        path: the folder.
        kind: that ships.
        train, val: how many.
        seed: of the set.
        threads: to render with.
        say: told how many of how many are done.
    """
    folder = Folder(path)
    if folder.manifest.exists():
        return folder
    records = []
    for index in range(train + val):
        say(index, train + val)
        item = render_item(kind, seed, index, threads=threads)
        records.append(folder.record(item, "train" if index < train else "val"))
    folder.write(records, kind)
    return folder
