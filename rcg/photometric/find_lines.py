"""Straight edges of a picture, from several independent cues.

A dark card in a dark box shows its edge in one cue, a yellow border on a white table in another. Line
segments are detected in each cue (LSD: R. Grompone von Gioi et al., "LSD: a line segment detector", IPOL
2012), and those that lie on one line are merged into one :class:`Line` that knows along which stretches it
was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.find_kernel import near_line

Gray = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

MAX_LINES = 90
_MAX_FRAME_CUES = 4
_COVER_STEP_PX = 2.0
_RIM_PX = 2000


@dataclass(frozen=True)
class Line:
    """A straight edge: ``normal . p = offset``; ``covered[k]`` says whether it was seen at ``start + k *
    step``.

    Attributes:
        normal: unit vector (2,).
        offset: distance of the origin.
        direction: unit vector (2,) along the line; positions along it are ``direction . p``.
        start: position of the first cell of ``covered``.
        covered: (m,) bool, cells of ``COVER_STEP_PX``.
        length: covered length in px.
    """

    normal: Points
    offset: float
    direction: Points
    start: float
    covered: npt.NDArray[np.bool_]
    length: float


def cues(pictures: Sequence[npt.NDArray[np.uint8]]) -> list[Gray]:
    """Return grey pictures in which a card's edge may show, from (H, W, 3) sRGB pictures of one scene in
    register.

    The brightest and the mean of all lights, their colour channels, and up to four single lights, each
    stretched.
    """
    stack = np.stack(pictures)
    bright, mean = stack.max(axis=0), np.round(stack.mean(axis=0)).astype(np.uint8)
    found = []
    for picture in (bright, mean) if len(pictures) > 1 else (bright,):
        lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
        found += [_stretched(lab[..., 0]), _widened(lab[..., 1]), _widened(lab[..., 2])]
    found.append(_lifted(cv2.cvtColor(bright, cv2.COLOR_RGB2GRAY)))
    if len(pictures) > 1:
        chosen = np.unique(np.linspace(0, len(pictures) - 1, _MAX_FRAME_CUES).round().astype(int))
        found += [_stretched(cv2.cvtColor(pictures[i], cv2.COLOR_RGB2GRAY)) for i in chosen]
    return found


def _stretched(gray: Gray) -> Gray:
    low, high = np.percentile(gray, (0.5, 99.5))
    scale = min(255.0 / max(high - low, 1.0), 4.0)
    return np.asarray(np.clip((gray.astype(np.float32) - low) * scale, 0, 255), np.uint8)


def _widened(chroma: Gray) -> Gray:
    return np.clip((chroma.astype(np.float32) - np.median(chroma)) * 2.0 + 128, 0, 255).astype(np.uint8)


def _lifted(gray: Gray) -> Gray:
    """Even out the light: each pixel relative to its wide neighbourhood, so that dark regions speak too."""
    value = np.log1p(gray.astype(np.float32))
    wide = cv2.GaussianBlur(value, (0, 0), max(gray.shape) / 12)
    return np.clip((value - wide) * 90 + 128, 0, 255).astype(np.uint8)


def rims(grey: npt.NDArray[np.float32], size: tuple[int, int]) -> Gray:
    """Return a small picture (width, height = ``size``) of thin bright lines of a large one (H, W),
    brightness 0..255.

    A worn or cut edge is often one bright hair, a pixel or two wide, between a dark card and a dark ground:
        averaging
    down loses it, so it is brought out first (white top-hat) and the brightest pixel is kept.
    """
    longest = max(grey.shape)
    scale = min(1.0, _RIM_PX / longest)
    picture = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7)
    hair = picture - cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    wide = cv2.blur(hair, (31, 31))
    hair = hair / (wide + 2.0)
    factor = max(1, round(max(picture.shape) / max(size)))
    if factor > 1:
        hair = np.asarray(cv2.dilate(hair, np.ones((factor, factor), np.uint8)), np.float32)
    small = cv2.resize(hair, size, interpolation=cv2.INTER_AREA)
    return np.clip(small * 25, 0, 255).astype(np.uint8)


def segments(gray: Gray) -> Points:
    """Return (k, 4) line segments x1, y1, x2, y2 of a grey picture, pixel centres at integers."""
    detected = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(gray)[0]
    return np.zeros((0, 4)) if detected is None else np.asarray(detected, np.float64).reshape(-1, 4)


def find_lines(grays: Sequence[Gray], most: int = MAX_LINES, *, threads: int = 1) -> list[Line]:
    """Return the longest straight edges seen in any cue, merged, longest first; the result does not depend on
    ``threads``."""
    diagonal = float(np.hypot(*grays[0].shape))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = np.concatenate(list(pool.map(segments, grays)))
    lengths = np.hypot(found[:, 2] - found[:, 0], found[:, 3] - found[:, 1])
    keep = lengths > max(12.0, 0.012 * diagonal)
    found, lengths = found[keep], lengths[keep]
    order = np.argsort(-lengths, kind="stable")[:2500]
    found, lengths = found[order], lengths[order]
    ends = found.reshape(-1, 2, 2)
    lines = []
    free = np.ones(len(ends), bool)
    for seed in range(len(ends)):
        if not free[seed]:
            continue
        members = _on_one_line(ends, lengths, free, seed)
        free[members] = False
        lines.append(_merged(ends[members], lengths[members]))
        if len(lines) >= 4 * most:
            break
    lines.sort(key=lambda line: -line.length)
    return lines[:most]


def _on_one_line(
    ends: Points, lengths: Points, free: npt.NDArray[np.bool_], seed: int
) -> npt.NDArray[np.intp]:
    """Free segments within 1.5 px of the seed's line, which is refitted once as it grows."""
    members = np.array([seed], np.intp)
    for reach in (1.5, 1.5):
        centre, direction = _fit(ends[members], lengths[members])
        span = np.abs((ends[members] - centre) @ direction).max()
        members = np.flatnonzero(free & near_line(ends, lengths, centre, direction, 4 * span, reach, 0.06))
        if seed not in members:
            members = np.append(members, seed)
    return members


def _fit(ends: Points, lengths: Points) -> tuple[Points, Points]:
    weights = np.repeat(lengths, 2)
    points = ends.reshape(-1, 2)
    centre = np.average(points, axis=0, weights=weights)
    spread = points - centre
    _, vectors = np.linalg.eigh((spread * weights[:, None]).T @ spread)
    return centre, vectors[:, -1]


def _merged(ends: Points, lengths: Points) -> Line:
    centre, direction = _fit(ends, lengths)
    normal = np.array([-direction[1], direction[0]])
    along = np.sort(ends @ direction, axis=1)
    start = float(along.min())
    cells = int(np.ceil((along.max() - start) / _COVER_STEP_PX)) + 1
    covered = np.zeros(cells, bool)
    for low, high in along:
        covered[int((low - start) / _COVER_STEP_PX) : int(np.ceil((high - start) / _COVER_STEP_PX)) + 1] = (
            True
        )
    return Line(
        normal, float(normal @ centre), direction, start, covered, float(covered.sum() * _COVER_STEP_PX)
    )


class Coverage:
    """The covered cells of many lines added up, so that many stretches are looked up at once."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._start = np.array([line.start for line in lines])
        self._cells = np.array([len(line.covered) for line in lines])
        self._before = np.zeros((len(lines), int(self._cells.max(initial=0)) + 2))
        for row, line in zip(self._before, lines, strict=True):
            row[1 : len(line.covered) + 1] = np.cumsum(line.covered)
            row[len(line.covered) + 1 :] = row[len(line.covered)]

    def share(self, which: npt.NDArray[np.intp], low: Points, high: Points) -> Points:
        """Return the covered share of lines ``which`` between positions ``low`` and ``high`` along them, all
        (k,)."""
        found = self._until(which, high) - self._until(which, low)
        return np.asarray(found * _COVER_STEP_PX / np.maximum(high - low, 1e-9))

    def _until(self, which: npt.NDArray[np.intp], position: Points) -> Points:
        cell = np.clip((position - self._start[which]) / _COVER_STEP_PX, 0, self._cells[which])
        whole = cell.astype(np.intp)
        left, right = self._before[which, whole], self._before[which, whole + 1]
        return np.asarray(left + (right - left) * (cell - whole))
