"""A room as a table of shapes, and the builder that fills the table object by object."""

from dataclasses import dataclass, field
from math import cos, hypot, sin

import numpy as np
from numpy.typing import NDArray

from mtl.data.rooms.materials import Material
from mtl.data.rooms.shapes import Array, Kind, Shapes

CLASSES = (
    "wall",
    "floor",
    "ceiling",
    "window",
    "door",
    "picture",
    "table",
    "chair",
    "sofa",
    "cabinet",
    "lamp",
    "object",
    "person",
)
PARTS = ("background", "head", "torso", "upper_arm", "lower_arm", "upper_leg", "lower_leg")

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """A furnished room from (0, 0, 0) to `size`, z up, in metres.

    `labels` [I] is the class of each instance, `lamps` are (position, brightness) of the lights, `discs` [M, 3]
    (x, y, radius) is the occupied floor, and `focus` [F, 3] are points for cameras to look at.
    """

    size: Array
    shapes: Shapes
    materials: tuple[Material, ...]
    labels: NDArray[np.uint8]
    lamps: list[tuple[Point, float]]
    discs: NDArray[np.float64]
    focus: NDArray[np.float64]


@dataclass
class Builder:
    """Collects the instances, shapes and materials of a scene under construction."""

    labels: list[int] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    rows: list[tuple] = field(default_factory=list)

    def item(
        self, label: str, x: float, y: float, z: float = 0.0, yaw: float = 0.0, paint: Material | None = None
    ) -> "Item":
        """Start a new instance of a class, with its own frame at (x, y, z) turned by yaw radians, perhaps painted."""
        self.labels.append(CLASSES.index(label))
        return Item(self, len(self.labels) - 1, (x, y, z), yaw, paint)

    def shapes(self) -> Shapes:
        """The table, stably sorted by kind."""
        kind, centre, rotation, half, instance, part, material = zip(*self.rows, strict=True)
        order = np.argsort(kind, kind="stable")
        half = np.array(half, np.float32)[order]
        kind = np.array(kind)[order]
        bound = np.where(kind == Kind.CAPSULE, half[:, 0] + half[:, 2], np.sqrt((half**2).sum(1)))
        bound = np.where(kind == Kind.SPHERE, half[:, 0], bound)
        bound = np.where(kind == Kind.CYLINDER, np.hypot(half[:, 0], half[:, 2]), bound)
        return Shapes(
            kind=kind,
            centre=np.array(centre, np.float32)[order],
            rotation=np.array(rotation, np.float32)[order],
            half=half,
            radius=(bound * 1.001).astype(np.float32),
            instance=np.array(instance)[order],
            part=np.array(part)[order],
            material=np.array(material)[order],
        )


@dataclass(frozen=True)
class Item:
    """One instance; shapes are given in its own frame: x to its right, y to its front, z up.

    `paint` is the material of all its shapes, in place of their own.
    """

    builder: Builder
    instance: int
    position: Point
    yaw: float
    paint: Material | None = None

    def box(self, centre: Point, half: Point, material: Material, part: int = 0) -> None:
        """Add a box by centre and half extents in metres."""
        c, s = cos(self.yaw), sin(self.yaw)
        self._add(centre, half, material, part, kind=Kind.BOX, rotation=((c, s, 0), (-s, c, 0), (0, 0, 1)))

    def sphere(self, centre: Point, radius: float, material: Material, part: int = 0) -> None:
        """Add a ball."""
        half = (radius, radius, radius)
        self._add(centre, half, material, part, kind=Kind.SPHERE, rotation=((1, 0, 0), (0, 1, 0), (0, 0, 1)))

    def rod(
        self,
        start: Point,
        end: Point,
        radius: float,
        material: Material,
        part: int = 0,
        *,
        round_ends: bool = True,
    ) -> None:
        """Add a capsule between two points, or a cylinder with flat ends."""
        c, s = cos(self.yaw), sin(self.yaw)
        x, y, z = (b - a for a, b in zip(start, end, strict=True))
        length, flat = hypot(x, y, z), hypot(x, y)
        axis = ((c * x - s * y) / length, (s * x + c * y) / length, z / length)
        # The frame's x may be any direction across the axis; an upright rod uses the item's x.
        across = (-axis[1] * length / flat, axis[0] * length / flat, 0.0) if flat > 1e-6 * length else (c, s, 0.0)
        third = (-axis[2] * across[1], axis[2] * across[0], axis[0] * across[1] - axis[1] * across[0])
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (start[2] + end[2]) / 2)
        half = (radius, radius, length / 2)
        kind = Kind.CAPSULE if round_ends else Kind.CYLINDER
        self._add(middle, half, material, part, kind=kind, rotation=(across, third, axis))

    def _add(self, centre: Point, half: Point, material: Material, part: int, *, kind: Kind, rotation: tuple) -> None:
        c, s = cos(self.yaw), sin(self.yaw)
        x, y, z = centre
        px, py, pz = self.position
        world = (px + c * x - s * y, py + s * x + c * y, pz + z)
        self.builder.materials.append(self.paint or material)
        index = len(self.builder.materials) - 1
        self.builder.rows.append((kind, world, rotation, half, self.instance, part, index))
