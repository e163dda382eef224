"""Compiles the engine's kernels once, into numba's cache, before several processes each compile them."""

from __future__ import annotations

from rcg.grading.inspect import inspect_side
from rcg.photometric import chain
from rcg.photometric.render import render_side
from rcg.photometric.types import CardSize

if __name__ == "__main__":
    side = render_side(1, n_lights=6, frame_size=(600, 800), threads=2)
    size = CardSize(63, 88, "chosen")
    inspect_side(chain.measure(side.frames, side.lights, size, px_per_mm=10, threads=2), [], threads=2)
