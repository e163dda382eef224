"""``rcg bench grade``: seconds per stage from 8 photographs of 12 MP to a graded side."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from rcg.bench.table import Table
from rcg.capture.folder import read_folder
from rcg.capture.run import chosen_size, grade_input, measure_side
from rcg.photometric.render import render_side
from rcg.photometric.solve import CHANNELS, solve_normals
from rcg.photometric.types import FloatArray, Lights

FRAME_12_MP = (3024, 4032)
SOLVE_SHAPE = (1760, 1260)
_FINE_PX_PER_MM = 40.0
Say = Callable[[str], None]


def bench_grade(threads: int, seed: int = 1, say: Say = lambda _: None) -> Table:
    """Grade a rendered side of 12 MP frames and time the solver against numpy's pinv in the same run.

    Args:
        threads: compute threads.
        seed: of the rendered card.
        say: told what is going on.
    """
    table = Table(f"rcg bench grade ({threads} threads)")
    with tempfile.TemporaryDirectory(prefix="rcg-bench-") as folder:
        say("Rendering 8 frames of 12 MP ...")
        side = Path(folder)
        render_side(seed, frame_size=FRAME_12_MP, out=side, threads=threads)
        for name in ("truth.json", "truth_extra.json", "truth_maps.npz"):
            (side / name).unlink(missing_ok=True)
        say("Grading once to compile ...")
        grade_input(read_folder(side), threads=threads)
        say("Grading ...")
        began = time.perf_counter()
        outcome = grade_input(read_folder(side), threads=threads)
        total = time.perf_counter() - began
        say("Measuring at 40 px/mm in processes of their own ...")
        fine, _ = _apart(side, threads, rounds=3)
        _, fine_peak = _apart(side, threads, rounds=1)
    for stage, seconds in outcome.seconds.items():
        table.add(stage.removeprefix("front."), seconds, "s")
    table.add("the whole chain, 8 x 12 MP to a graded side", total, "s", "<= 10 s on 2 cores")
    table.add("peak memory of the process", _peak_mb(), "MB", "", "rendering included")
    table.add(
        "8 x 12 MP, decode to maps at 40 px/mm", fine, "s", "<= 8 s on 2 cores", "best of 3 in one process"
    )
    table.add("... peak memory of a process that does it once", fine_peak, "MB", "<= 2048 MB")
    _solver(table, threads, say)
    return table


def _apart(side: Path, threads: int, rounds: int) -> tuple[float, float]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(_fine_maps, side, threads, rounds).result()


def _fine_maps(side: Path, threads: int, rounds: int) -> tuple[float, float]:
    """Return seconds from files to maps at 40 px/mm, the best of some rounds, and the process's peak memory
    in MB."""
    front, size = read_folder(side).sides["front"], chosen_size(None, None)
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        measure_side(front, size, px_per_mm=_FINE_PX_PER_MM, threads=threads)
        best = min(best, time.perf_counter() - began)
    return best, _peak_mb()


def _solver(table: Table, threads: int, say: Say) -> None:
    """Time our fused solve and numpy's pinv product with normalisation on the same 8 frames."""
    say("Timing the solver against numpy ...")
    rng = np.random.default_rng(0)
    azimuth = np.arange(8) * np.pi / 4
    directions = np.stack([np.sin(azimuth), np.cos(azimuth), np.ones(8)], 1) / np.sqrt(2)
    shade = rng.uniform(0.3, 0.9, SOLVE_SHAPE).astype(np.float32)
    frames: FloatArray = np.stack([np.repeat((shade * d[2])[..., None], 3, 2) for d in directions]).astype(
        np.float32
    )
    frames += rng.normal(0, 0.002, frames.shape).astype(np.float32)
    mask = np.ones(SOLVE_SHAPE, bool)
    lights = Lights(tuple("12345678"), directions, None, np.ones(8), "lp", calibrated=True)

    def numpy_peer() -> FloatArray:
        grey = (frames @ np.asarray(CHANNELS, np.float32)).reshape(8, -1)
        g = np.linalg.pinv(directions).astype(np.float32) @ grey
        length = np.linalg.norm(g, axis=0)
        return np.asarray(g / np.maximum(length, 1e-9))

    def ours() -> object:
        return solve_normals(frames, lights, px_per_mm=20, mask=mask, threads=threads)

    def plain() -> object:
        return solve_normals(
            frames, lights, px_per_mm=20, mask=mask, threads=threads, flat_field=None, robust=False
        )

    ours()
    plain()
    pairs = [(_timed(plain), _timed(ours), _timed(numpy_peer)) for _ in range(5)]
    least_squares, full, peer = (min(column) for column in zip(*pairs, strict=True))
    table.add("normals and colour albedo, 8 x 1260 x 1760 x 3, least squares", 1e3 * least_squares, "ms")
    table.add("... with flat field, robust pass, confidence and residuals", 1e3 * full, "ms")
    table.add("numpy: weighted grey, pinv product, normalise (no albedo)", 1e3 * peer, "ms")
    table.add("least squares against numpy", least_squares / peer, "x", "< 1")


def _timed(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the parent held when it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
