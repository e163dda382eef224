"""Compiles the engine's kernels once, into numba's cache, before several processes each compile them.

In two processes, one for each of a small computer's cores: what solves pixels, and all else.
"""

from __future__ import annotations

from multiprocessing import Process

import numpy as np

from rcg.grading.inspect import inspect_side
from rcg.photometric import card_place, chain, relief
from rcg.photometric.render import render_side
from rcg.photometric.solve import solve_normals
from rcg.photometric.solve_foil import solve_foil
from rcg.photometric.types import CardSize, Lights

SIZE = CardSize(63, 88, "chosen")


def pixels() -> None:
    """Solve a flat grey card."""
    turn = np.radians(60 * np.arange(6))
    places = np.stack([150 * np.sin(turn), 150 * np.cos(turn), np.full(6, 90.0)], 1)
    directions = places / np.linalg.norm(places, axis=1, keepdims=True)
    lights = Lights(tuple("123456"), directions, places, np.ones(6), "rig", True)
    mask = card_place.card_mask((200, 150), SIZE, 2)
    frames = np.full((6, *mask.shape, 3), 0.5, np.float32)
    solution = solve_normals(frames, lights, px_per_mm=2.0, mask=mask)
    solve_foil(solution, frames, lights, px_per_mm=2.0, mask=mask)
    normal = relief.flatten(solution.normal, mask, 2.0, out=solution.normal)
    relief.mean_curvature(normal, 2.0, mask=mask)
    relief.height_um(normal, mask, 2.0)


def side() -> None:
    """Inspect a side of a rendered card."""
    rendered = render_side(1, n_lights=6, frame_size=(600, 800), threads=2)
    maps = chain.measure(rendered.frames, rendered.lights, SIZE, px_per_mm=10, threads=2)
    inspect_side(maps, [], threads=2)


if __name__ == "__main__":
    both = [Process(target=work) for work in (pixels, side)]
    for process in both:
        process.start()
    for process in both:
        process.join()
