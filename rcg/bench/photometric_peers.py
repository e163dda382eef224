"""What the solver is measured against: least squares and exhaustive least-trimmed squares, in plain numpy,
and balls of many materials, rendered by formulas that are not the solver's own.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Lobe = tuple[str, float, float]

MATERIALS: dict[str, tuple[float, float, tuple[Lobe, ...]]] = {
    "matte": (1.0, 0.0, ()),
    "gloss 0.08": (1.0, 0.0, (("ggx", 0.08, 0.04),)),
    "gloss 0.15": (0.7, 0.0, (("beckmann", 0.15, 0.06),)),
    "satin 0.3": (0.7, 0.0, (("ggx", 0.3, 0.06),)),
    "satin 0.3, strong": (0.5, 0.0, (("beckmann", 0.3, 0.1),)),
    "broad 0.5": (0.5, 0.0, (("beckmann", 0.5, 0.15),)),
    "metal paint": (0.25, 0.0, (("beckmann", 0.45, 0.35), ("ggx", 0.12, 0.03))),
    "two lobes": (0.6, 0.0, (("ggx", 0.1, 0.03), ("beckmann", 0.4, 0.08))),
    "rough": (1.0, 0.5, ()),
    "rough and gloss": (0.8, 0.35, (("ggx", 0.2, 0.05),)),
}
"""name: diffuse albedo, Oren-Nayar roughness, lobes: distribution, width, reflectance at normal incidence"""


def angles_deg(found: npt.NDArray[np.floating], truth: npt.NDArray[np.floating]) -> Float64:
    """Angles between (..., 3) unit vectors, degrees."""
    return np.asarray(np.degrees(np.arccos(np.clip((found * truth).sum(-1), -1, 1))), np.float64)


def least_squares(samples: Float64, lights: Float64) -> Float64:
    """(p, 3) unit normals of samples (p, n) under lights (n, 3), by the pseudo-inverse."""
    return _unit(samples @ np.linalg.pinv(lights).T)


def least_trimmed(samples: Float64, lights: Float64, drop: int) -> Float64:
    """(p, 3) unit normals: the best least-squares fit of every choice of all but ``drop`` samples."""
    best = np.full(len(samples), np.inf)
    out = np.zeros((len(samples), 3))
    for keep in combinations(range(len(lights)), len(lights) - drop):
        chosen = list(keep)
        g = samples[:, chosen] @ np.linalg.pinv(lights[chosen]).T
        error = ((samples[:, chosen] - g @ lights[chosen].T) ** 2).sum(1)
        better = error < best
        out[better], best[better] = g[better], error[better]
    return _unit(out)


def ball(radius: int = 24, least_z: float = 0.15) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """(H, W, 3) normals of a ball and its mask."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1] / (radius + 0.5)
    z = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
    mask = z > least_z
    return np.where(mask[..., None], np.stack([x, -y, z], -1), [0.0, 0.0, 1.0]), mask


def eight_lights(kind: str, seed: int) -> Float64:
    """(8, 3): ``ring35``, ``ring55`` (a ring at that elevation), or ``random`` within a window above."""
    if kind.startswith("ring"):
        e, a = np.radians(float(kind[4:])), np.arange(8) * np.pi / 4
        return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.full(8, np.sin(e))], 1)
    rng = np.random.default_rng(seed)
    while True:
        across = rng.uniform(-1, 1, (8, 2)) * [0.65, 0.55]
        lights = np.concatenate([across, np.sqrt(1 - (across**2).sum(1, keepdims=True))], 1)
        if np.linalg.svd(lights, compute_uv=False)[2] > 0.35:
            return lights


def render(normals: Float64, lights: Float64, material: str, seed: int) -> Float64:
    """(p, n) samples of pixels with normals (p, 3): Cook-Torrance lobes with Fresnel and masking over a
    Lambert or Oren-Nayar base, albedo in two steps, attached shadows, 1 % noise.
    """
    albedo, roughness, lobes = MATERIALS[material]
    rng = np.random.default_rng(seed)
    half = _unit(lights + [0.0, 0.0, 1.0])  # noqa: RUF005  a sum of vectors
    nl, nh = np.clip(normals @ lights.T, 0, 1), np.clip(normals @ half.T, 1e-3, 1)
    nv, vh = np.maximum(normals[:, 2:], 0.02), half[None, :, 2]
    base = albedo * nl / np.pi * (_oren_nayar(normals, lights, roughness) if roughness else 1.0)
    print_ = np.where(rng.uniform(size=len(normals)) < 0.3, 0.4, 1.0) * rng.uniform(0.8, 1, len(normals))
    light = print_[:, None] * base
    for name, width, at_normal in lobes:
        fresnel = at_normal + (1 - at_normal) * (1 - vh) ** 5
        if name == "ggx":
            spread = width**2 / (np.pi * (nh**2 * (width**2 - 1) + 1) ** 2)
            k = (width + 1) ** 2 / 8
            masking = nl / (nl * (1 - k) + k) * nv / (nv * (1 - k) + k)
        else:
            spread = np.exp((1 - 1 / nh**2) / width**2) / (np.pi * width**2 * nh**4)
            masking = np.minimum(1, np.minimum(2 * nh * nv / vh, 2 * nh * nl / vh))
        light = light + spread * masking * fresnel / (4 * nv) * (nl > 0)
    noise = 0.01 * light * rng.standard_normal(light.shape) + 0.0012 * rng.standard_normal(light.shape)
    return np.asarray(np.maximum(light + noise, 0))


def _oren_nayar(normals: Float64, lights: Float64, sigma: float) -> Float64:
    """Factor on Lambert's law (Oren and Nayar 1994, first order)."""
    nl, nv = np.clip(normals @ lights.T, 0, 1), np.clip(normals[:, 2:], 0, 1)
    toward_light = lights[None] - nl[..., None] * normals[:, None]
    toward_camera = np.array([0, 0, 1.0]) - nv[..., None] * normals[:, None]
    length = np.linalg.norm(toward_light, axis=-1) * np.linalg.norm(toward_camera, axis=-1)
    cosine = (toward_light * toward_camera).sum(-1) / np.maximum(length, 1e-6)
    theta, phi = np.arccos(nl), np.arccos(nv)
    a = 1 - 0.5 * sigma**2 / (sigma**2 + 0.33)
    b = 0.45 * sigma**2 / (sigma**2 + 0.09)
    steep = np.tan(np.minimum(np.minimum(theta, phi), 1.4))
    return np.asarray(a + b * np.maximum(cosine, 0) * np.sin(np.maximum(theta, phi)) * steep)


def _unit(vectors: Float64) -> Float64:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-30))
