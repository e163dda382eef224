"""An item's files on their way out: the base image where every tool looks, the other layers beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from rcg.datasets.formats.files import ENDING_OF, OWN_FOLDER
from rcg.datasets.formats.parts import DatasetSource, LossReport
from rcg.datasets.formats.sink import Sink, safe_name
from rcg.datasets.layers import NPY

_ENDINGS = {**ENDING_OF, NPY: ".npy"}
_SAME = {".jpeg": ".jpg", ".jpe": ".jpg", ".tiff": ".tif"}
LAYERS = f"{OWN_FOLDER}/layers/"


class Outgoing:
    """Copies the files of items and says what they are called.

    Args:
        source: the dataset.
        sink: where the files go.
        loss: told of files that are missing.
        images, layers: copy the base images; copy the other layers.
        each: called after every item, for progress and cancelling.
    """

    def __init__(
        self,
        source: DatasetSource,
        sink: Sink,
        loss: LossReport,
        *,
        images: bool = True,
        layers: bool = True,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        self.source, self.sink, self.loss = source, sink, loss
        self._images, self._layers, self.each = images, layers, each
        self._taken: set[int] = set()
        self._copied: set[str] = set()

    def base(self, item: dict[str, Any], folder: str, *, stems: bool = False) -> str:
        """Copy an item's base image into a folder of the export and return the path it got there.

        Args:
            item: its record, as JSON.
            folder: ends with /.
            stems: paths must differ by more than their endings, because label files are named after them.
        """
        layer = base_layer(item["layers"])
        ending = _ENDINGS.get(layer["media_type"], "") if layer else ".png"
        name = safe_name(item["name"])
        own = ending_of(name)
        if _SAME.get(own, own) != ending:
            name += ending
        path = self._free(folder + name, item["id"], stems)
        if layer is None:
            self.loss.add("items without an image: their layers are measurements only", item["name"])
        elif self._images:
            self._copy(path, layer["sha256"], item["name"])
        return path

    def rest(self, item: dict[str, Any]) -> None:
        """Copy the layers beside the base image, each file once."""
        if not self._layers:
            return
        base = base_layer(item["layers"])
        for layer in item["layers"]:
            if layer is base or layer["sha256"] in self._copied:
                continue
            self._copied.add(layer["sha256"])
            self._copy(layer_file(layer["sha256"], layer["media_type"]), layer["sha256"], item["name"])

    def _free(self, path: str, item_id: str, stems: bool) -> str:
        """Return the path, or one with the item's id where systems that ignore case would see two as one."""
        key = _key(path, stems)
        if key in self._taken:
            pure = PurePosixPath(path)
            path = str(pure.with_name(f"{pure.stem}~{item_id[:8]}{pure.suffix}"))
            key = _key(path, stems)
        self._taken.add(key)
        return path

    def _copy(self, path: str, sha256: str, item: str) -> None:
        source = self.source.path_of(sha256)
        if not source.is_file():
            self.loss.add("files that are missing in the data folder", f"{item} ({sha256[:12]})")
            return
        self.sink.copy(path, source)


def _key(path: str, stems: bool) -> int:
    return hash((path.rpartition(".")[0] if stems else path).casefold())


def ending_of(name: str) -> str:
    """Return a path's ending in lower case, with its dot."""
    stem, dot, ending = name.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if stem and dot else ""


def base_layer(layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the layer that other tools are shown: colour, else the first that is an image."""
    first = None
    for layer in layers:
        if layer["media_type"] != NPY:
            if layer["name"] == "colour":
                return layer
            first = first or layer
    return first


def layer_file(sha256: str, media_type: str) -> str:
    """Return where a layer that is no base image lies in an export."""
    return f"{LAYERS}{sha256}{_ENDINGS.get(media_type, '')}"
