"""The solve on torch tensors gives the numbers of the numba kernels; CUDA is chosen and left as told."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from test_solve import MASK, PX, bumpy, make_lights, ring, shade

from rcg.errors import InputError
from rcg.photometric import solve, solve_device, solve_torch
from rcg.photometric.solve import solve_normals


def scene(near):
    """Gloss on some pixels, one saturated, one black, noise."""
    rng = np.random.default_rng(4)
    normal, albedo = bumpy()
    lights = make_lights(ring() * (250 if near else 1), near=near, intensities=np.linspace(0.8, 1.2, 8))
    frames = 0.8 * shade(normal, albedo, lights) + rng.normal(0, 0.002, (8, *MASK.shape, 3))
    frames[2, 10:40, 10:40] += 0.3
    frames[:, 50, 50] = 0
    frames[:6, 60, 60] = 1
    return np.clip(frames, 0, 1).astype(np.float32), lights


class OnCpu:
    """The torch solver, kept on CPU tensors."""

    @staticmethod
    def solve_all(*args, device):
        solve_torch.solve_all(*args, device="cpu")

    out_of_memory = staticmethod(solve_torch.out_of_memory)


@pytest.mark.parametrize("near", [False, True])
def test_same_numbers_as_the_kernels(near, monkeypatch):
    frames, lights = scene(near)
    known = solve_normals(frames, lights, px_per_mm=PX, mask=MASK)
    monkeypatch.setattr(solve, "torch_solver", lambda device: OnCpu)
    monkeypatch.setattr(solve_torch, "BAND_SAMPLES", 8 * MASK.shape[1] * 20)  # several bands
    found = solve_normals(frames, lights, px_per_mm=PX, mask=MASK, device="cuda")
    assert (found.device, known.device) == ("cuda", "cpu")
    for name in ("normal", "albedo", "confidence", "specular", "residual"):
        assert np.abs(getattr(found, name) - getattr(known, name)).max() < 1e-4, name
    assert (known.specular > 0.02).sum() > 500, "the scene has gloss that was dropped"


def test_too_little_memory_leaves_the_work_to_the_processor(monkeypatch):
    frames, lights = scene(near=False)

    class Full(OnCpu):
        @staticmethod
        def solve_all(*args, device):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(solve, "torch_solver", lambda device: Full)
    found = solve_normals(frames, lights, px_per_mm=PX, mask=MASK, device="auto")
    assert found.device == "cpu"
    assert "too little memory" in found.note
    assert found.confidence.max() > 0.5


def test_cuda_that_is_not_there_is_an_error_and_auto_goes_on(monkeypatch):
    monkeypatch.setattr(solve_torch, "available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device"):
        solve_device.torch_solver("cuda")
    assert solve_device.torch_solver("auto") is None
    assert solve_device.torch_solver("cpu") is None


def test_the_engine_does_not_import_torch():
    code = "import sys, rcg.photometric.chain, rcg.photometric.solve_object; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
