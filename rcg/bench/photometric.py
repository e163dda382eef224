"""``rcg bench photometric``: how fast and how right the solver is, with a peer beside every figure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from rcg.bench import photometric_peers as peers
from rcg.bench.defects import bench_defects
from rcg.bench.one_more import bench_pairs
from rcg.bench.photometric_peers import Float64
from rcg.bench.table import Table
from rcg.photometric import relief
from rcg.photometric.solve import solve_normals
from rcg.photometric.solve_fast import woodham
from rcg.photometric.solve_object import solve
from rcg.photometric.solve_pixel import jit
from rcg.photometric.types import BoolArray, FloatArray, Lights

SHAPE = (1760, 1260)
DATA_VARIABLE = "RCG_BENCH_DATA"
_TIMES = 12
_ROWS = 64
Say = Callable[[str], None]


def bench_photometric(
    threads: int, data: Path | None = None, cards: int = 4, pairs: int = 7, say: Say = lambda _: None
) -> Table:
    """Time the kernels and solve what has a known answer.

    Args:
        threads: compute threads.
        data: folder of photometric sets; None: the variable RCG_BENCH_DATA, or ../shared/data/photometric.
        cards: rendered cards with defects, and as many of print alone, that go through the whole chain.
        pairs: rendered cards that are graded without and with one defect more.
        say: told what is going on.
    """
    table = Table(f"rcg bench photometric ({threads} threads, {cards} + {cards} rendered cards)")
    say("Timing the kernels ...")
    _speed(table, threads)
    say("Solving rendered balls ...")
    _balls(table, threads)
    say("Solving sets with known normals ...")
    _sets(table, data or Path(os.environ.get(DATA_VARIABLE) or "../shared/data/photometric"), threads)
    if cards:
        bench_defects(table, cards, cards, threads, say)
    if pairs:
        bench_pairs(table, pairs, threads, say)
    return table


@jit
def _bare(first: int, last: int, frames: FloatArray, out: FloatArray) -> None:
    """Read eight planes and write four with next to no arithmetic: what memory allows."""
    for row in range(first, last):
        for pair in range(4):
            a, b, c = frames[2 * pair, row], frames[2 * pair + 1, row], out[pair, row]
            for k in range(c.shape[0]):
                c[k] = a[k] + b[k]


def _speed(table: Table, threads: int) -> None:
    directions = peers.eight_lights("ring45", 0)
    rng = np.random.default_rng(0)
    print_ = rng.uniform(0.3, 0.9, SHAPE).astype(np.float32)
    grey: FloatArray = np.stack([print_ * np.float32(d[2]) for d in directions])
    grey += rng.normal(0, 0.002, grey.shape).astype(np.float32)
    out = np.empty((4, *SHAPE), np.float32)
    inverse = np.linalg.pinv(directions).astype(np.float32)

    def bare() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda r: _bare(r, min(r + _ROWS, SHAPE[0]), grey, out), range(0, SHAPE[0], _ROWS)))

    def numpy_peer() -> object:
        g = inverse @ grey.reshape(8, -1)
        length = np.sqrt((g * g).sum(0))
        return g / np.maximum(length, 1e-9), length

    into = (np.empty((*SHAPE, 3), np.float32), np.empty(SHAPE, np.float32))
    (floor, floor_cpu), (fused, fused_cpu), (fresh, fresh_cpu), (peer, peer_cpu) = _interleaved(
        bare,
        lambda: woodham(grey, directions, threads=threads, out=into),
        lambda: woodham(grey, directions, threads=threads),
        numpy_peer,
    )
    moved = 12 * grey[0].nbytes / 1e9
    size = "8 x 1260 x 1760"
    table.add(
        f"read 8 planes, write 4, {size}",
        1e3 * floor,
        "ms",
        "",
        f"{moved / floor:.0f} GB/s, {_cpu(floor_cpu)}",
    )
    table.add(f"fused normals and albedo, {size}", 1e3 * fused, "ms", "", _cpu(fused_cpu))
    table.add("... into new memory", 1e3 * fresh, "ms", "", _cpu(fresh_cpu))
    table.add("numpy: pinv product, normalise", 1e3 * peer, "ms", "", _cpu(peer_cpu))
    table.add("fused against numpy, both into new memory", fresh / peer, "x", "< 1")
    table.add(
        "share of the bare kernel's bandwidth",
        100 * floor / fused,
        "%",
        ">= 60 %",
        f"by CPU time {floor_cpu / fused_cpu:.0%}",
    )
    _card_speed(table, grey, directions, threads)


def _card_speed(table: Table, grey: FloatArray, directions: Float64, threads: int) -> None:
    frames: FloatArray = np.repeat(grey[..., None], 3, 3)
    mask: BoolArray = np.ones(SHAPE, bool)
    frames[1:3, ::4, :600] += np.float32(0.2)  # gloss on an eighth of the pixels
    names = tuple("12345678")
    far = Lights(names, directions, None, np.ones(8), "lp", calibrated=True)
    near = Lights(names, directions, 300 * directions, np.ones(8), "rig", calibrated=True)

    def card(lights: Lights, *, robust: bool = True) -> FloatArray:
        return solve_normals(frames, lights, px_per_mm=20, mask=mask, threads=threads, robust=robust).normal

    def to_relief() -> None:
        normal = relief.flatten(card(near), mask, 20, threads=threads)
        relief.mean_curvature(normal, 20, mask=mask, threads=threads)
        relief.height_um(normal, mask, 20, threads=threads)

    timed = _interleaved(
        lambda: card(far, robust=False), lambda: card(far), lambda: card(near), to_relief, times=4
    )
    names_and_targets = (
        ("card, three channels: least squares, flat field, confidence", ""),
        ("... and the robust pass on an eighth of the pixels", "<= 150 ms"),
        ("... with near lights", "<= 150 ms"),
        ("... to height and curvature", "<= 300 ms"),
    )
    for (name, target), (wall, cpu) in zip(names_and_targets, timed, strict=True):
        table.add(name, 1e3 * wall, "ms", target, _cpu(cpu))


def _cpu(seconds: float) -> str:
    """What a busy machine does not change much: the processor's time, all threads together."""
    return f"{1e3 * seconds:.0f} ms of CPU"


def _interleaved(*functions: Callable[[], object], times: int = _TIMES) -> list[tuple[float, float]]:
    """Best seconds and CPU seconds of each function, in turn, so that a busy moment hits all alike."""
    for function in functions:
        function()
    best = [(float("inf"), float("inf"))] * len(functions)
    for _ in range(times):
        for i, function in enumerate(functions):
            began, cpu = time.perf_counter(), time.process_time()
            function()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - began
            best[i] = (min(best[i][0], wall), min(best[i][1], cpu))
    return best


def _balls(table: Table, threads: int) -> None:
    normals, mask = peers.ball(20)
    truth = normals[mask]
    plane = float(peers.angles_deg(np.array([0.0, 0, 1]), truth).mean())
    every = []
    for material in peers.MATERIALS:
        errors = []
        for seed, kind in enumerate(("ring35", "ring55", "random", "random")):
            lights = peers.eight_lights(kind, seed)
            samples = peers.render(truth, lights, material, seed)
            frames = np.zeros((8, *mask.shape), np.float32)
            frames[:, mask] = samples.T
            ours = solve(frames, lights, mask, threads=threads).normal[mask]
            every_way = (
                ours,
                peers.least_squares(samples, lights),
                peers.least_trimmed(samples, lights, 2),
                peers.least_trimmed(samples, lights, 3),
            )
            errors.append([float(peers.angles_deg(found, truth).mean()) for found in every_way])
        mean = np.mean(errors, 0)
        every.append(mean)
        table.add(f"ball, {material}", float(mean[0]), "deg", "< trimmed", _beside(mean, plane))
    mean = np.mean(every, 0)
    table.add("balls, all materials", float(mean[0]), "deg", "< trimmed", _beside(mean, plane))


def _beside(errors: Float64, plane: float) -> str:
    trimmed = f"trimmed by 2 {errors[2]:.2f}, by 3 {errors[3]:.2f}"
    return f"least squares {errors[1]:.2f}, {trimmed}, plane {plane:.1f}"


def _sets(table: Table, data: Path, threads: int) -> None:
    bunny = data / "bunny_rendered"
    if not bunny.is_dir():
        table.add(
            "bunny_specular", float("nan"), "deg", "<= 5", f"skipped: no {bunny.name} in the data folder"
        )
        return
    lights = np.loadtxt(bunny / "light_directions.txt")
    truth = np.load(bunny / "normal_gt.npy")
    mask = np.asarray(cv2.imread(str(bunny / "mask.png"), 0)) > 0
    for kind, target in (("specular", "<= 5"), ("lambert", "")):
        frames = np.load(bunny / f"bunny_{kind}.npz")["images"]
        for first, name in ((0, "0, 2, ... 14"), (1, "1, 3, ... 15")):
            eight, shown = lights[first::2], np.ascontiguousarray(frames[first::2])
            samples = shown[:, mask].T.astype(np.float64)
            found = [
                np.asarray(solve(shown, eight, mask, threads=threads).normal[mask], np.float64),
                peers.least_squares(samples, eight),
                peers.least_trimmed(samples, eight, 2),
                peers.least_trimmed(samples, eight, 3),
            ]
            errors = np.array([peers.angles_deg(n, truth[mask]).mean() for n in found])
            plane = float(peers.angles_deg(np.array([0.0, 0, 1]), truth[mask]).mean())
            goal = target if first == 0 else ""
            table.add(f"bunny_{kind}, lights {name}", float(errors[0]), "deg", goal, _beside(errors, plane))
