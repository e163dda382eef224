"""A dataset version as batches: items decoded once, augmented anew, in an order that the step decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch

from rcg.datasets.augment import Recipe, apply, layers_needed, parse
from rcg.datasets.layers import PHOTOMETRIC, channel_names, role_of
from rcg.datasets.manifest import ItemRecord, Manifest
from rcg.datasets.sample import Sample
from rcg.errors import InputError
from rcg.training.architectures import architecture, has_relief
from rcg.training.model_config import Channel
from rcg.training.schedule import batch_indices, item_generator
from rcg.training.spec import RunSpec
from rcg.training.tensors import Target, image_of, mask_targets, planes, point_targets, read_fitted

CACHE_BYTES = 4_000_000_000
_CACHE_SHARE = 0.25
"""of the memory that is free now: other programs need some"""
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
        self._room = min(cache_bytes, int(_CACHE_SHARE * psutil.virtual_memory().available))
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
        self.recipe: Recipe | None = parse(spec.recipe) if spec.recipe else None
        wanted = _layers_to_read(spec, self.recipe, train)
        self.train = Items(train, path_of, wanted, spec.input_size)
        self.val = Items(val, path_of, spec.channels, spec.input_size)
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
            without = spec.modality_dropout > 0 and rng.random() < spec.modality_dropout
            sample = self.train[index]
            if self.recipe is not None:
                sample = apply(self.recipe, sample, rng, self.schema)
            image = image_of(sample, spec.channels, self.channels, spec.input_size)
            if without:
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
        total, square, count = np.zeros((3, len(self.names)))
        for index in sorted(order.tolist()):
            raw, there = planes(self.train[index], self.spec.channels)
            values = raw.astype(np.float64)
            total += values.sum((1, 2))
            square += (values**2).sum((1, 2))
            count += there * values[0].size
        count = np.maximum(count, 1)
        mean = total / count
        spread = np.sqrt(np.maximum(square / count - mean**2, 0))
        return tuple(
            Channel(name=name, mean=float(m), std=float(s) if s > 1e-6 else 1.0)
            for name, m, s in zip(self.names, mean, spread, strict=True)
        )


class Prefetcher:
    """Makes the next batches while the present one is computed. Batches are pure: nothing depends on it.

    Args:
        make: returns the batch of a step.
        workers: threads, and how many batches they are ahead. 0: a batch is made when it is asked for.
        pin: put tensors where a graphics card fetches them without waiting.
    """

    def __init__(self, make: Callable[[int], Batch], workers: int = 0, *, pin: bool = False) -> None:
        self._make = make
        self._pin = pin
        self._workers = workers
        self._pool = ThreadPoolExecutor(max(workers, 1), thread_name_prefix="batches")
        self._made: dict[int, Future[Batch]] = {}

    def get(self, step: int, horizon: int) -> Batch:
        """Return the batch of a step, and begin those that follow below ``horizon``."""
        for ahead in range(step, min(step + 1 + self._workers, horizon)) if self._workers else ():
            if ahead not in self._made:
                self._made[ahead] = self._pool.submit(self._one, ahead)
        self._made = {at: batch for at, batch in self._made.items() if at >= step}
        made = self._made.pop(step, None)
        return made.result() if made is not None else self._one(step)

    def _one(self, step: int) -> Batch:
        batch = self._make(step)
        if not self._pin:
            return batch
        return Batch(
            [image.pin_memory() for image in batch.images],
            [{key: value.pin_memory() for key, value in target.items()} for target in batch.targets],
        )

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _accepted(item: ItemRecord) -> ItemRecord:
    """An item without predictions that no person accepted: a model must not teach itself."""
    kept = [annotation for annotation in item.annotations if annotation.state == "accepted"]
    return item if len(kept) == len(item.annotations) else item.model_copy(update={"annotations": kept})


def _shuffled(items: list[ItemRecord], seed: int) -> list[ItemRecord]:
    """Give every item the annotations of another: all in one circle of a drawn order."""
    order = np.random.default_rng([seed, 4]).permutation(len(items)).tolist()
    given = dict(zip(order, order[1:] + order[:1], strict=True))
    return [
        item.model_copy(update={"annotations": items[given[index]].annotations})
        for index, item in enumerate(items)
    ]


def _layers_to_read(spec: RunSpec, recipe: Recipe | None, train: Sequence[ItemRecord]) -> list[str]:
    """Return the layers that batches are made of: a flip exchanges lights, so it needs them all."""
    wanted = list(spec.channels)
    if recipe is None:
        return wanted
    there = list(dict.fromkeys([*wanted, *(layer.name for item in train for layer in item.layers)]))
    return layers_needed(recipe, wanted, there)


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
    if architecture(spec.architecture).needs_relief and not has_relief(spec.channels):
        raise InputError(
            f"Photometric fusion needs relief, and the layers are {', '.join(spec.channels)}.",
            "Choose a relief layer, or take mask_rcnn_primary.",
        )
    have = {layer.name for item in train for layer in item.layers}
    if not have & set(spec.channels):
        raise InputError(
            f"No training item of {name} has any of the layers {', '.join(spec.channels)}.",
            f"Choose from {', '.join(sorted(have))}.",
        )
