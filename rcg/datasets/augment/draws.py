"""Chance: what a step that moves pixels does this time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from rcg.datasets.augment.motion import (
    Matrix,
    Motion,
    about_centre,
    flip,
    half_turn,
    identity,
    mirror,
    turn,
)
from rcg.datasets.augment.ops import Affine, Crop, FlipHorizontal, FlipVertical, Perspective, QuarterTurn
from rcg.datasets.augment.ops import StepBase as Step


@dataclass
class Scene:
    """What a draw may look at.

    Attributes:
        size: width and height.
        motion: of the steps before.
        outlines: (N, 2) points of each annotation, before any move.
        notes: in words, what was done; grows.
    """

    size: tuple[int, int]
    outlines: list[Matrix]
    motion: Motion = field(default_factory=identity)
    notes: list[str] = field(default_factory=list)


def move(step: Step, scene: Scene, rng: np.random.Generator) -> None:
    """Draw a step's move and put it after those before."""
    _MOVES[type(step)](step, scene, rng)


def _flip_horizontal(_: FlipHorizontal, scene: Scene, rng: np.random.Generator) -> None:
    del rng
    scene.motion = scene.motion.then(mirror(scene.size))
    scene.notes.append("left and right exchanged")


def _flip_vertical(_: FlipVertical, scene: Scene, rng: np.random.Generator) -> None:
    del rng
    scene.motion = scene.motion.then(flip(scene.size))
    scene.notes.append("top and bottom exchanged")


def _quarter_turn(step: QuarterTurn, scene: Scene, rng: np.random.Generator) -> None:
    turns = {"half": 2, "left": 1, "right": 3}.get(step.turns) or int(rng.integers(1, 4))
    quarter, half = turn(scene.size), half_turn(scene.size)
    scene.motion = scene.motion.then({1: quarter, 2: half, 3: quarter.then(half)}[turns])
    scene.notes.append(f"turned by {turns * 90}°")


def _affine(step: Affine, scene: Scene, rng: np.random.Generator) -> None:
    angle = math.radians(_either(rng, step.rotate))
    size = _factor(rng, step.scale)
    aspect = math.sqrt(_factor(rng, step.stretch))
    shear = math.tan(math.radians(_either(rng, step.shear)))
    shift = (
        _either(rng, step.translate) / 100 * scene.size[0],
        _either(rng, step.translate) / 100 * scene.size[1],
    )
    cos, sin = math.cos(angle), math.sin(angle)
    turned = np.array([[cos, sin], [-sin, cos]])  # counter-clockwise as seen, with y down
    linear = turned @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([size * aspect, size / aspect])
    scene.motion = scene.motion.then(Motion(about_centre(linear, scene.size, shift)))
    scene.notes.append(f"rotated {math.degrees(angle):+.1f}°, stretched {100 * (size - 1):+.0f} %")


def _perspective(step: Perspective, scene: Scene, rng: np.random.Generator) -> None:
    width, height = scene.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    reach = rng.uniform(-1, 1, (4, 2)) * step.strength / 100 * np.array([width, height])
    matrix = cv2.getPerspectiveTransform(corners, corners + reach.astype(np.float32))
    scene.motion = scene.motion.then(Motion(np.asarray(matrix, np.float64)))
    scene.notes.append("perspective")


def _crop(step: Crop, scene: Scene, rng: np.random.Generator) -> None:
    width, height = scene.size
    side = math.sqrt(rng.uniform(step.smallest / 100, 1.0))
    where = rng.uniform(0, 1, 2)
    choice = rng.uniform()
    low, high = _kept(step, scene, choice)
    window = np.array([width, height]) * max(side, *((high - low) / (width, height)))
    window = np.minimum(window, (width, height))
    # the window's left top may lie anywhere where it holds what must be kept, inside the image
    first = np.clip(high - window, 0, np.array([width, height]) - window)
    last = np.maximum(np.clip(low, 0, np.array([width, height]) - window), first)
    start = first + where * (last - first)
    zoom = width / float(window[0])
    matrix = np.array([[zoom, 0, -start[0] * zoom], [0, zoom, -start[1] * zoom], [0, 0, 1]])
    scene.motion = scene.motion.then(Motion(matrix, zoom=zoom))
    scene.notes.append(f"cropped to {100 / zoom**2:.0f} %")


def _kept(step: Crop, scene: Scene, choice: float) -> tuple[Matrix, Matrix]:
    """Return left top and right bottom of what the window must hold; nothing: the reverse of everything."""
    size = np.array(scene.size, np.float64)
    moved = [scene.motion.points(points) for points in scene.outlines if len(points)]
    inside = [points for points in moved if (points.max(0) >= 0).all() and (points.min(0) <= size).all()]
    boxes = [(np.clip(points.min(0), 0, size), np.clip(points.max(0), 0, size)) for points in inside]
    if step.keep == "free" or not boxes:
        return size, np.zeros(2)
    if step.keep == "one":
        return boxes[min(int(choice * len(boxes)), len(boxes) - 1)]
    return np.min([low for low, _ in boxes], axis=0), np.max([high for _, high in boxes], axis=0)


def _either(rng: np.random.Generator, most: float) -> float:
    return float(rng.uniform(-most, most))


def _factor(rng: np.random.Generator, most: float) -> float:
    """Draw a factor between 1 / (1 + most %) and 1 + most %, evenly in its logarithm."""
    return math.exp(_either(rng, math.log1p(most / 100)))


_MOVES: dict[type[Step], Callable[[Any, Scene, np.random.Generator], None]] = {
    FlipHorizontal: _flip_horizontal,
    FlipVertical: _flip_vertical,
    QuarterTurn: _quarter_turn,
    Affine: _affine,
    Perspective: _perspective,
    Crop: _crop,
}
