"""Colours of surface points from the pattern of their material."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mtl.data.rooms.materials import Material, Pattern
from mtl.data.rooms.shapes import Array

MAPS, TEXELS = 8, 256


@lru_cache(maxsize=1)
def noise_maps() -> Array:
    """Eight tileable maps of smooth noise in [0, 1], the same for every dataset. Shape [8, 256, 256]."""
    rng = np.random.Generator(np.random.Philox(2025))
    maps = []
    for _ in range(MAPS):
        total = np.zeros((TEXELS, TEXELS), np.float32)
        for cells in (4, 8, 16, 32, 64):
            grid = rng.random((cells, cells), dtype=np.float32)
            wrapped = np.pad(grid, 2, mode="wrap")
            step = TEXELS // cells
            big = cv2.resize(wrapped, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
            total += big[2 * step : 2 * step + TEXELS, 2 * step : 2 * step + TEXELS] / np.float32(cells**0.7)
        low, high = np.quantile(total, (0.02, 0.98))
        maps.append(np.clip((total - low) / (high - low), 0, 1))
    return np.stack(maps).astype(np.float32)


def noise(which: NDArray[np.int64], u: Array, v: Array) -> Array:
    """Noise at (u, v), in periods of the map, interpolated bilinearly. All of shape [N]."""
    x, y = u * TEXELS, v * TEXELS
    left, top = np.floor(x), np.floor(y)
    fx, fy = x - left, y - top
    x0, y0 = left.astype(np.int64) & (TEXELS - 1), top.astype(np.int64) & (TEXELS - 1)
    x1, y1 = (x0 + 1) & (TEXELS - 1), (y0 + 1) & (TEXELS - 1)
    maps = noise_maps()
    above = maps[which, y0, x0] * (1 - fx) + maps[which, y0, x1] * fx
    below = maps[which, y1, x0] * (1 - fx) + maps[which, y1, x1] * fx
    return above * (1 - fy) + below * fy


def albedo(materials: tuple[Material, ...], material: NDArray[np.int64], uv: Array) -> Array:
    """Linear colour of each point.

    Args:
        materials: Materials of the scene.
        material: Index of each point's material. Shape [N].
        uv: Metres along the surface. Shape [2, N].

    Returns:
        Colours in [0, 1]. Shape [3, N].
    """
    first = np.array([m.first for m in materials], np.float32)[material].T
    second = np.array([m.second for m in materials], np.float32)[material].T
    pattern = np.array([m.pattern for m in materials])[material]
    period = np.array([m.period for m in materials], np.float32)[material]
    which = material % MAPS
    u, v = uv / period
    mix = np.zeros_like(u)
    for each, rule in RULES.items():
        some = np.flatnonzero(pattern == each)
        mix[some] = rule(which[some], u[some], v[some])
    grain = 0.9 + 0.2 * noise(which, 0.37 * uv[0] + 0.5, 0.37 * uv[1])
    return (first + (second - first) * mix) * grain


def _plain(which: NDArray, u: Array, v: Array) -> Array:
    return 0.5 * noise(which, 0.25 * u, 0.25 * v)


def _checker(which: NDArray, u: Array, v: Array) -> Array:
    return (np.floor(u) + np.floor(v)) % 2


def _stripes(which: NDArray, u: Array, v: Array) -> Array:
    return np.clip(3 * np.abs((u % 1) - 0.5) - 0.25, 0, 1)


def _noise(which: NDArray, u: Array, v: Array) -> Array:
    return np.clip(1.6 * noise(which, 0.25 * u, 0.25 * v) - 0.3, 0, 1)


def _tiles(which: NDArray, u: Array, v: Array) -> Array:
    grout = np.maximum(np.abs((u % 1) - 0.5), np.abs((v % 1) - 0.5)) > 0.47
    return np.where(grout, 1, 0.4 * noise(which, np.floor(u) * 0.137, np.floor(v) * 0.291))


def _wood(which: NDArray, u: Array, v: Array) -> Array:
    board = np.floor(u * 2)
    return noise(which, 1.5 * u, 0.12 * v + 0.37 * board)


def _patches(which: NDArray, u: Array, v: Array) -> Array:
    return np.clip(8 * (noise(which, 0.25 * u, 0.25 * v) - 0.5), 0, 1)


RULES = {
    Pattern.PLAIN: _plain,
    Pattern.CHECKER: _checker,
    Pattern.STRIPES: _stripes,
    Pattern.NOISE: _noise,
    Pattern.TILES: _tiles,
    Pattern.WOOD: _wood,
    Pattern.PATCHES: _patches,
}
