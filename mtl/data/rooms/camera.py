"""Camera poses: a smooth path through free space for every scan."""

from dataclasses import dataclass
from math import atan2, cos, hypot, pi, radians, sin, tan

import numpy as np
from numpy.random import Generator

from mtl.data.rooms.scene import Scene
from mtl.data.rooms.shapes import Array
from mtl.data.rooms.spec import Spec
from mtl.data.rooms.streams import Purpose, stream

CLEARANCE = 0.35  # metres kept from furniture and walls
TRIES = 60
ALONG = np.linspace(0, 1, 5)  # where a path is checked


@dataclass(frozen=True)
class Camera:
    """A pinhole camera: `position` [3] in the room, `rotation` [3, 3] from room to camera directions.

    The rows of the rotation are the camera's axes: x right, y down, z forward.
    """

    position: Array
    rotation: Array

    @classmethod
    def at(cls, position: tuple[float, float, float], yaw: float, pitch: float, roll: float) -> "Camera":
        """Place a camera; angles in radians, pitch positive upwards."""
        forward = np.array((cos(yaw) * cos(pitch), sin(yaw) * cos(pitch), sin(pitch)))
        level = np.array((sin(yaw), -cos(yaw), 0.0))
        below = np.cross(forward, level)
        right = cos(roll) * level + sin(roll) * below
        rotation = np.stack((right, np.cross(forward, right), forward))
        return cls(np.array(position, np.float32), rotation.astype(np.float32))


def pixel_rays(spec: Spec) -> Array:
    """Camera-frame directions through all pixel centres, with z = 1 so that a ray parameter is a depth.

    Returns:
        Directions, row by row of the image. Shape [3, H * W].
    """
    focal = spec.width / 2 / tan(radians(spec.fov) / 2)
    x = (np.arange(spec.width) + 0.5 - spec.width / 2) / focal
    y = (np.arange(spec.height) + 0.5 - spec.height / 2) / focal
    across, down = np.meshgrid(x, y)
    return np.stack((across.ravel(), down.ravel(), np.ones(across.size))).astype(np.float32)


def camera_for(spec: Spec, scene: Scene, place: tuple[int, int, int]) -> Camera:
    """The camera of view `place` = (scene, scan, view): a point of the scan's path with a little jitter."""
    number, scan, view = place
    x, y, z, yaw, pitch, roll, dx, dy, turn = _path(stream(Purpose.SCAN, spec, number, scan), scene)
    share = view / max(spec.views - 1, 1)
    shake = stream(Purpose.VIEW, spec, number, scan, view).uniform(-0.02, 0.02, size=2)
    position = (x + share * dx, y + share * dy, z)
    return Camera.at(position, yaw + share * turn + shake[0], pitch + shake[1], roll)


def _path(rng: Generator, scene: Scene) -> tuple[float, ...]:
    """Start pose, shift and turn of the first candidate with enough clearance, else of the one with the most."""
    best: tuple[float, ...] = ()
    most = -np.inf
    for _ in range(TRIES):
        width, depth, _ = scene.size.tolist()
        x, y = rng.uniform(CLEARANCE, width - CLEARANCE), rng.uniform(CLEARANCE, depth - CLEARANCE)
        if len(scene.focus) and rng.uniform() < 0.7:
            tx, ty, tz = scene.focus[rng.integers(len(scene.focus))].tolist()
        else:
            tx, ty, tz = rng.uniform(0, width), rng.uniform(0, depth), rng.uniform(0.3, 1.6)
        heading, shift = rng.uniform(-pi, pi), rng.uniform(0.2, 0.8)
        dx, dy = shift * cos(heading), shift * sin(heading)
        room = _clearance(scene, x + ALONG * dx, y + ALONG * dy)
        distance = hypot(tx - x, ty - y)
        if distance < 1.5:
            room -= 1.5 - distance
        if room > most:
            z = rng.uniform(1.0, 1.8)
            pitch = float(np.clip(atan2(tz - z, distance) + rng.normal(0, 0.08), -0.7, 0.35))
            yaw = atan2(ty - y, tx - x) + rng.normal(0, 0.1)
            best = (x, y, z, yaw, pitch, rng.normal(0, 0.03), dx, dy, rng.uniform(-0.6, 0.6))
            most = room
        if most > CLEARANCE:
            break
    return best


def _clearance(scene: Scene, x: Array, y: Array) -> float:
    """Smallest distance in metres from any of the points to a wall or occupied floor."""
    width, depth, _ = scene.size.tolist()
    walls = min(x.min(), width - x.max(), y.min(), depth - y.max())
    a, b, radius = scene.discs.T
    discs = np.hypot(x[:, None] - a, y[:, None] - b) - radius
    return min(walls, discs.min(initial=np.inf))
