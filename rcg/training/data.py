"""A dataset version as batches: items decoded once, augmented anew, in an order that the step decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rcg.datasets.augment import Recipe, apply, parse
from rcg.datasets.layers import PHOTOMETRIC, channel_names, role_of
from rcg.datasets.manifest import ItemRecord, Manifest
from rcg.datasets.sample import Sample
from rcg.errors import InputError
from rcg.training.model_config import Channel
from rcg.training.schedule import batch_indices, item_generator
from rcg.training.spec import RunSpec
from rcg.training.tensors import Target, image_of, mask_targets, planes, point_targets, read_fitted

CACHE_BYTES = 2_000_000_000
_STATISTICS_ITEMS = 64
PathOf = Callable[[str], Path]


@dataclass(frozen=True)
class Batch:
    """What a step eats: images (C, H, W) and their targets."""

    images: list[torch.Tensor]
    targets: list[Target]


class Items:
    """Some items of a version at the training size. Decoded layers are kept while they fit into memory.

    Args:
        records: the items.
        path_of: where blobs lie.
        layers: to read.
        canvas: width and height of the training size.
        cache_bytes: how much may be kept.
    """

    def __init__(
        self,
        records: Sequence[ItemRecord],
        path_of: PathOf,
        layers: Sequence[str],
        canvas: tuple[int, int],
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.records = records
        self._path_of = path_of
        self._layers = layers
        self._canvas = canvas
        self._room = cache_bytes
        self._kept: dict[int, Sample] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        """Return an item. Raises InputError when a file of it is missing or broken."""
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        sample = read_fitted(self.records[index], self._path_of, self._layers, self._canvas)
        size = sum(layer.array.nbytes for layer in sample.layers.values())
        with self._lock:
            if index not in self._kept and size <= self._room:
                self._room -= size
                self._kept[index] = sample
        return sample


class TrainingData:
    """A version's training and held-out items under a spec.

    Raises:
        InputError: there is nothing to train on, or the items lack every layer that was asked for.
    """

    def __init__(self, spec: RunSpec, manifest: Manifest, path_of: PathOf) -> None:
        self.spec = spec
        self.schema = manifest.header.label_schema
        splits: dict[str, list[ItemRecord]] = {"train": [], "val": []}
        for item in manifest:
            if item.split in splits:
                splits[item.split].append(item)
        train, val = ([_accepted(item) for item in splits[name]] for name in ("train", "val"))
        _check(spec, manifest, train)
        if spec.shuffle_labels:
            train = _shuffled(train, spec.seed)
        self.train, self.val = (
            Items(records, path_of, spec.channels, spec.input_size) for records in (train, val)
        )
        self.recipe: Recipe | None = parse(spec.recipe) if spec.recipe else None
        self.names = tuple(name for layer in spec.channels for name in channel_names(layer))
        self.relief = tuple(
            role_of(layer) in PHOTOMETRIC for layer in spec.channels for _ in channel_names(layer)
        )
        self._channels: tuple[Channel, ...] | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Mean and spread of every input channel over the training items (a fixed choice of 64 at most)."""
        if self._channels is None:
            self._channels = self._statistics()
        return self._channels

    @channels.setter
    def channels(self, known: tuple[Channel, ...]) -> None:
        self._channels = known

    @property
    def epoch_steps(self) -> float:
        """Steps in which every item comes once."""
        return len(self.train) / self.spec.batch_size

    def batch(self, step: int) -> Batch:
        """Return the batch of a step: the same for the same spec and step, whatever came before."""
        spec = self.spec
        images, targets = [], []
        for place, index in enumerate(batch_indices(len(self.train), spec.batch_size, spec.seed, step)):
            rng = item_generator(spec.seed, step, place)
            sample = self.train[index]
            if self.recipe is not None:
                sample = apply(self.recipe, sample, rng, self.schema)
            image = image_of(sample, spec.channels, self.channels, spec.input_size)
            if spec.modality_dropout and rng.random() < spec.modality_dropout:
                image[torch.tensor(self.relief)] = 0.0
            images.append(image)
            targets.append(self.target(sample))
        return Batch(images, targets)

    def target(self, sample: Sample) -> Target:
        """Return what a network is taught of a sample."""
        if self.schema.task == "points":
            return point_targets(sample.annotations, self.schema)
        return mask_targets(sample.annotations, self.schema, self.spec.input_size)

    def image(self, sample: Sample) -> torch.Tensor:
        """Return a sample, not augmented, as input."""
        return image_of(sample, self.spec.channels, self.channels, self.spec.input_size)

    def _statistics(self) -> tuple[Channel, ...]:
        order = np.random.default_rng([self.spec.seed, 3]).permutation(len(self.train))[:_STATISTICS_ITEMS]
        total = square = np.zeros(len(self.names))
        count = 0
        for index in sorted(order.tolist()):
            raw = planes(self.train[index], self.spec.channels).astype(np.float64)
            total = total + raw.sum((1, 2))
            square = square + (raw**2).sum((1, 2))
            count += raw[0].size
        mean = total / max(count, 1)
        spread = np.sqrt(np.maximum(square / max(count, 1) - mean**2, 0))
        return tuple(
            Channel(name=name, mean=float(m), std=float(s) if s > 1e-6 else 1.0)
            for name, m, s in zip(self.names, mean, spread, strict=True)
        )


class Prefetcher:
    """Makes the next batch while the present one is computed. Batches are pure, so nothing depends on it."""

    def __init__(self, make: Callable[[int], Batch]) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def get(self, step: int, *, more: bool = True) -> Batch:
        """Return the batch of a step, and begin that of the next."""
        if self._next is not None and self._next[0] == step:
            batch = self._next[1].result()
        else:
            batch = self._make(step)
        self._next = (step + 1, self._pool.submit(self._make, step + 1)) if more else None
        return batch

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _accepted(item: ItemRecord) -> ItemRecord:
    """An item without predictions that no person accepted: a model must not teach itself."""
    kept = [annotation for annotation in item.annotations if annotation.state == "accepted"]
    return item if len(kept) == len(item.annotations) else item.model_copy(update={"annotations": kept})


def _shuffled(items: list[ItemRecord], seed: int) -> list[ItemRecord]:
    order = np.random.default_rng([seed, 4]).permutation(len(items)).tolist()
    return [
        item.model_copy(update={"annotations": items[other].annotations})
        for item, other in zip(items, order, strict=True)
    ]


def _check(spec: RunSpec, manifest: Manifest, train: Sequence[ItemRecord]) -> None:
    name = f"{manifest.header.dataset} version {manifest.header.number}"
    if not train:
        raise InputError(
            f"{name} has no items to train on; it has {len(manifest)} in all.",
            "Fill the dataset, then make a version whose split gives items to train.",
        )
    if not any(item.annotations for item in train):
        raise InputError(
            f"None of the {len(train)} training items of {name} has an annotation.",
            "Annotate some items (or accept predictions), then make a new version.",
        )
    have = {layer.name for item in train for layer in item.layers}
    if not have & set(spec.channels):
        raise InputError(
            f"No training item of {name} has any of the layers {', '.join(spec.channels)}.",
            f"Choose from {', '.join(sorted(have))}.",
        )
