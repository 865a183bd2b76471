"""Geometry of every visible point: position, normal, and coordinates on its shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl.data.rooms.shapes import Array, Kind, Shapes


@dataclass(frozen=True)
class Surface:
    """N visible points, one per ray: `point`, `normal` and `ray` [3, N] in room coordinates.

    `shape` [N] is the index of the shape that was hit, `uv` [2, N] are metres along its surface.
    """

    shape: NDArray[np.int64]
    point: Array
    normal: Array
    ray: Array
    uv: Array


def surface_at(shapes: Shapes, shape: NDArray[np.int64], origin: Array, ray: Array, t: Array) -> Surface:
    """Describe the points origin + t * ray.

    Args:
        shapes: The scene.
        shape: Index of the shape each ray hits. Shape [N].
        origin: Start of all rays. Shape [3].
        ray: Ray directions. Shape [3, N].
        t: Ray parameters. Shape [N].
    """
    point = origin[:, None] + t * ray
    rotation = np.moveaxis(shapes.rotation, 0, 2)[:, :, shape]  # [3, 3, N]
    half = shapes.half[shape].T
    place = (rotation * (point - shapes.centre[shape].T)).sum(1)
    direction = (rotation * ray).sum(1)
    normal, uv = np.zeros_like(place), np.zeros_like(place[:2])
    kind = shapes.kind[shape]
    for each, describe in DESCRIBE.items():
        some = np.flatnonzero(kind == each)
        normal[:, some], uv[:, some] = describe(place[:, some], direction[:, some], half[:, some])
    return Surface(shape, point, (rotation * normal[:, None]).sum(0), ray, uv)


def _box(place: Array, direction: Array, half: Array) -> tuple[Array, Array]:
    # Only the three faces towards the ray's origin are candidates, so no normal points away from it.
    axis = np.abs(place + np.copysign(half, direction)).argmin(0)
    rays = np.arange(place.shape[1])
    normal = np.zeros_like(place)
    normal[axis, rays] = -np.sign(direction[axis, rays])
    u, v = np.array((1, 0, 0))[axis], np.array((2, 2, 1))[axis]
    return normal, np.stack((place[u, rays], place[v, rays]))


def _unit(vector: Array) -> Array:
    return vector / np.sqrt((vector**2).sum(0))


def _sphere(place: Array, direction: Array, half: Array) -> tuple[Array, Array]:
    return _unit(place), np.stack((np.arctan2(place[1], place[0]) * half[0], place[2]))


def _cylinder(place: Array, direction: Array, half: Array) -> tuple[Array, Array]:
    radial = np.hypot(place[0], place[1])
    end = half[2] - np.abs(place[2]) < half[0] - radial
    end &= place[2] * direction[2] < 0
    side = np.stack((place[0] / radial, place[1] / radial, np.zeros_like(radial)))
    flat = np.stack((np.zeros_like(radial), np.zeros_like(radial), np.sign(place[2])))
    around = np.stack((np.arctan2(place[1], place[0]) * half[0], place[2]))
    return np.where(end, flat, side), np.where(end, place[:2], around)


def _capsule(place: Array, direction: Array, half: Array) -> tuple[Array, Array]:
    core = np.clip(place[2], -half[2], half[2])
    return _unit(np.stack((place[0], place[1], place[2] - core))), np.stack(
        (np.arctan2(place[1], place[0]) * half[0], place[2])
    )


DESCRIBE = {Kind.BOX: _box, Kind.SPHERE: _sphere, Kind.CYLINDER: _cylinder, Kind.CAPSULE: _capsule}
