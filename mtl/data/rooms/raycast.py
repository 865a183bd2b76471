"""Ray casting from one point: from the camera through its pixels, or from a lamp to the surfaces it lights."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mtl.data.rooms.shapes import ENTER, Array, Kind, Shapes

SHELL = 6  # the first six shapes are the room's walls, floor and ceiling, seen from inside
CHUNK = 8192  # rays at a time: the arrays [K, CHUNK] of the culling test then fit the processor's cache


def hits(shapes: Shapes, origin: Array, directions: Array) -> Iterator[tuple[NDArray, NDArray, Array]]:
    """Intersect rays with all shapes except the shell, one kind and one chunk at a time.

    Args:
        shapes: The scene.
        origin: Common start of the rays. Shape [3].
        directions: Ray directions of any length. Shape [3, N].

    Yields:
        Shape index, ray index and ray parameter (inf: missed) of each candidate pair, all of shape [P].
    """
    offset = shapes.centre - origin
    square = (offset**2).sum(1)
    # Cull by bounding sphere: a ray from outside hits it only if its angle to the centre is below the tangent's.
    tangent = np.where(square > shapes.radius**2, np.sqrt(np.maximum(square - shapes.radius**2, 0)), -np.inf).astype(
        np.float32
    )
    # Not a matrix product: a BLAS library's threads would not survive a fork, nor its rounding another machine.
    local = -(shapes.rotation * offset[:, None]).sum(2)
    lengths = np.sqrt((directions**2).sum(0))
    for kind, enter in ENTER.items():
        first, last = np.searchsorted(shapes.kind, (kind, kind + 1))
        some = slice(max(first, SHELL) if kind == Kind.BOX else first, last)
        for start in range(0, directions.shape[1], CHUNK):
            d = directions[:, start : start + CHUNK]
            x, y, z = offset[some].T[:, :, None]
            along = x * d[0] + y * d[1] + z * d[2]  # [K, CHUNK]
            met = along >= tangent[some, None] * lengths[start : start + CHUNK]
            counts = met.sum(1)
            row = np.repeat(np.arange(len(counts)), counts)
            ray = np.flatnonzero(met) - row * met.shape[1] + start
            dx, dy, dz = directions[:, ray]
            r = shapes.rotation[some].reshape(-1, 9).T.repeat(counts, axis=1)
            turned = tuple(r[a] * dx + r[a + 1] * dy + r[a + 2] * dz for a in (0, 3, 6))
            t = enter(
                tuple(local[some].T.repeat(counts, axis=1)),
                turned,
                tuple(shapes.half[some].T.repeat(counts, axis=1)),
            )
            yield row + some.start, ray, t


def leave_room(size: Array, origin: Array, directions: Array) -> tuple[Array, NDArray]:
    """Intersect each ray with the shell, from inside.

    Args:
        size: Width, depth and height of the room. Shape [3].
        origin: A point in the room. Shape [3].
        directions: Ray directions. Shape [3, N].

    Returns:
        Ray parameter and shell index (low and high x, low and high y, floor, ceiling), both of shape [N].
    """
    safe = np.where(np.abs(directions) < 1e-12, np.float32(1e-12), directions)
    t = (np.where(safe > 0, size[:, None], np.float32(0)) - origin[:, None]) / safe
    axis = t.argmin(0)
    rays = np.arange(len(axis))
    return t[axis, rays], 2 * axis + (safe[axis, rays] > 0)


def nearest(shapes: Shapes, size: Array, origin: Array, directions: Array) -> tuple[Array, NDArray]:
    """Ray parameter and shape index of the first surface along each ray; see `leave_room`."""
    depth, index = leave_room(size, origin, directions)
    for shape, ray, t in hits(shapes, origin, directions):
        np.minimum.at(depth, ray, t)
        first = t == depth[ray]
        index[ray[first]] = shape[first]
    return depth, index


def occluded(shapes: Shapes, lamp: Array, reach: Array) -> NDArray[np.bool_]:
    """Whether an object blocks the light between a lamp and each of the points lamp + reach.

    Args:
        shapes: The scene.
        lamp: Position of the lamp. Shape [3].
        reach: Vectors from the lamp to the points. Shape [3, N].
    """
    dark = np.zeros(reach.shape[1], dtype=bool)
    for _, ray, t in hits(shapes, lamp, reach):
        dark[ray[t < 0.995]] = True  # t = 1 is the lit surface itself
    return dark
