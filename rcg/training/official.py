"""Which official weights fit which backbone, and where torchvision says that they lie.

Nothing here names a host: addresses and sizes are torchvision's own. The process that serves pages loads no
torch, so :func:`offer` reads them out of torchvision's source text; the job that fetches asks torchvision
itself (:func:`source`). Reading or asking fetches nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from rcg.errors import InputError
from rcg.training.architectures import Backbone

_PREFIX = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")
_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class Official:
    """The official weights of a backbone.

    Attributes:
        entry: torchvision's name of them.
        module: of torchvision, where that entry stands.
        trained_on: in words.
        norm: that they were trained with, as a spec says it.
    """

    backbone: Backbone
    entry: str
    module: str
    trained_on: str
    norm: str


OFFICIAL: Final[dict[str, Official]] = {
    one.backbone: one
    for one in (
        # A detector's file fills pyramid and heads too, where the network has torchvision's shapes; a
        # classifier's fills the body, which is all that its detector would fill here at four times the size.
        Official(
            "resnet50_v2",
            "MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1",
            "models/detection/mask_rcnn.py",
            "COCO, as a whole Mask R-CNN",
            "batch",
        ),
        Official(
            "resnet50",
            "MaskRCNN_ResNet50_FPN_Weights.COCO_V1",
            "models/detection/mask_rcnn.py",
            "COCO, as a whole Mask R-CNN",
            "frozen",
        ),
        Official(
            "mobilenet_v3",
            "MobileNet_V3_Large_Weights.IMAGENET1K_V2",
            "models/mobilenetv3.py",
            "ImageNet, as a classifier",
            "batch",
        ),
        Official(
            "resnet34",
            "ResNet34_Weights.IMAGENET1K_V1",
            "models/resnet.py",
            "ImageNet, as a classifier",
            "frozen",
        ),
        Official(
            "resnet18",
            "ResNet18_Weights.IMAGENET1K_V1",
            "models/resnet.py",
            "ImageNet, as a classifier",
            "frozen",
        ),
    )
}


@dataclass(frozen=True)
class Source:
    """Where a file of official weights lies.

    Attributes:
        url: torchvision's.
        about_bytes: torchvision's figure, rounded; None: it gives none.
    """

    url: str
    about_bytes: int | None

    @property
    def host(self) -> str:
        """The host that is asked."""
        return urlsplit(self.url).netloc

    @property
    def file_name(self) -> str:
        """The file's name there."""
        return urlsplit(self.url).path.rpartition("/")[2]

    @property
    def sha256_prefix(self) -> str:
        """The first digits of the file's SHA-256, which its name tells; empty when it does not."""
        found = _PREFIX.search(self.file_name)
        return found[1] if found else ""


def official(backbone: str) -> Official:
    """Return the official weights of a backbone. Raises InputError naming those that have some."""
    if backbone in OFFICIAL:
        return OFFICIAL[backbone]
    raise InputError(
        f"There are no official weights for the backbone {backbone[:40]!r}.",
        f"There are some for {', '.join(OFFICIAL)}.",
        field="backbone",
    )


def source(backbone: str) -> Source:
    """Ask torchvision where a backbone's official weights lie. Loads torch; only jobs call this."""
    from torchvision.models import get_weight  # noqa: PLC0415 - torch

    weights = get_weight(official(backbone).entry)
    return _source(str(weights.url), weights.meta.get("_file_size"))


@lru_cache(maxsize=16)
def offer(backbone: str) -> Source | None:
    """Read the same out of torchvision's source text, without loading it; None when it cannot be read."""
    entry = official(backbone)
    found = find_spec("torchvision")
    places = list(found.submodule_search_locations or ()) if found else []
    name, _, member = entry.entry.partition(".")
    for place in places:
        try:
            tree = ast.parse((Path(place) / entry.module).read_text("utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        for value in _members(tree, name, member):
            url = _constant(_argument(value, "url"))
            size = next(_values(_argument(value, "meta"), "_file_size"), None)
            if isinstance(url, str):
                return _source(url, size)
    return None


def by_hash(sha256: str) -> Official | None:
    """Return the official weights that a file is, by what torchvision says of their SHA-256."""
    for backbone, one in OFFICIAL.items():
        known = offer(backbone)
        if known is not None and known.sha256_prefix and sha256.startswith(known.sha256_prefix):
            return one
    return None


def _source(url: str, megabytes: Any) -> Source:
    known = isinstance(megabytes, int | float) and megabytes > 0
    return Source(url, round(megabytes * _MIB) if known else None)


def _members(tree: ast.Module, name: str, member: str) -> Iterator[ast.Call]:
    """Yield the calls that make an enumeration's member."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Call):
                    names = {target.id for target in line.targets if isinstance(target, ast.Name)}
                    if member in names:
                        yield line.value


def _argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def _constant(node: ast.expr | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _values(node: ast.expr | None, name: str) -> Iterator[Any]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if _constant(key) == name:
                yield _constant(value)
