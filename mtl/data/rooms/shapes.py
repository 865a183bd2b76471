"""Four solid shapes, their ray intersections, and the table that holds many of them."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32; NumPy's types make many results float64
Vector = tuple[Array, Array, Array]

TINY = np.float32(1e-12)


class Kind(IntEnum):
    """The shapes, each centred at the origin of its own frame, with its axis along z."""

    BOX = 0
    SPHERE = 1
    CYLINDER = 2
    CAPSULE = 3


@dataclass(frozen=True)
class Shapes:
    """K shapes, sorted by kind.

    `half` [K, 3] is a box's half extents, (r, r, r) of a sphere, (r, r, half length of the axis) otherwise;
    `rotation` [K, 3, 3] turns world directions into the shape's frame; `centre` [K, 3]; `radius` [K] bounds the
    shape; `kind`, `instance`, `part` and `material` [K] describe it.
    """

    kind: NDArray[np.int64]
    centre: Array
    rotation: Array
    half: Array
    radius: Array
    instance: NDArray[np.int64]
    part: NDArray[np.int64]
    material: NDArray[np.int64]


def enter_box(origin: Vector, direction: Vector, half: Vector) -> Array:
    """Ray parameter t > 0 at which each ray enters its box, inf where it misses or starts inside.

    Args:
        origin: Start of each ray in the shape's frame, three arrays of shape [P].
        direction: Direction of each ray, not necessarily of unit length.
        half: Half extents of each box.
    """
    near: Any = None
    far: Any = None
    for o, d, h in zip(origin, direction, half, strict=True):
        inverse = 1 / np.where(np.abs(d) < TINY, TINY, d)
        middle, reach = -o * inverse, np.abs(inverse) * h
        near = middle - reach if near is None else np.maximum(near, middle - reach)
        far = middle + reach if far is None else np.minimum(far, middle + reach)
    return np.where((near <= far) & (near > 0), near, np.inf)


def enter_sphere(origin: Vector, direction: Vector, half: Vector) -> Array:
    """Like `enter_box`, for spheres."""
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    square = dx * dx + dy * dy + dz * dz
    nearest = -(ox * dx + oy * dy + oz * dz) / square
    # The discriminant from the point nearest to the centre, not b^2 - 4ac, which loses digits in float32 for far rays.
    qx, qy, qz = ox + nearest * dx, oy + nearest * dy, oz + nearest * dz
    inside = half[0] ** 2 - (qx * qx + qy * qy + qz * qz)
    t = nearest - np.sqrt(np.maximum(inside, 0) / square)
    return np.where((inside >= 0) & (t > 0), t, np.inf)


def _enter_tube(origin: Vector, direction: Vector, radius: Array) -> Array:
    (ox, oy, _), (dx, dy, _) = origin, direction
    square = np.maximum(dx * dx + dy * dy, TINY)
    nearest = -(ox * dx + oy * dy) / square
    qx, qy = ox + nearest * dx, oy + nearest * dy
    inside = radius**2 - (qx * qx + qy * qy)
    return np.where(inside >= 0, nearest - np.sqrt(np.maximum(inside, 0) / square), np.inf)


def enter_cylinder(origin: Vector, direction: Vector, half: Vector) -> Array:
    """Like `enter_box`, for cylinders with flat ends."""
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    side = _enter_tube(origin, direction, half[0])
    on_side = np.abs(oz + np.where(np.isfinite(side), side, 0) * dz) <= half[2]
    end = (np.copysign(half[2], -dz) - oz) / np.where(np.abs(dz) < TINY, TINY, dz)
    on_end = (ox + end * dx) ** 2 + (oy + end * dy) ** 2 <= half[0] ** 2
    t = np.minimum(np.where(on_side, side, np.inf), np.where(on_end, end, np.inf))
    return np.where(t > 0, t, np.inf)


def enter_capsule(origin: Vector, direction: Vector, half: Vector) -> Array:
    """Like `enter_box`, for cylinders with round ends."""
    (ox, oy, oz), dz = origin, direction[2]
    side = _enter_tube(origin, direction, half[0])
    hit = np.isfinite(side)
    z = oz + np.where(hit, side, 0) * dz
    round_end = enter_sphere((ox, oy, oz - np.copysign(half[2], z)), direction, half)
    t = np.where(np.abs(z) <= half[2], side, round_end)
    return np.where(hit & (t > 0), t, np.inf)


ENTER = {
    Kind.BOX: enter_box,
    Kind.SPHERE: enter_sphere,
    Kind.CYLINDER: enter_cylinder,
    Kind.CAPSULE: enter_capsule,
}
