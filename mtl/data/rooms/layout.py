"""Generates the contents of a room: which objects, how many of each, and where they go."""

from math import cos, pi, sin

import numpy as np
from numpy.random import Generator

from mtl.data.rooms import fixtures, furniture, things
from mtl.data.rooms.furniture import Piece
from mtl.data.rooms.materials import Material, ceiling_paint, flooring, wall_paint
from mtl.data.rooms.person import person
from mtl.data.rooms.plan import EYE_LEVEL, Plan, Pose, footprint
from mtl.data.rooms.scene import Builder, Point, Scene
from mtl.data.rooms.spec import Spec
from mtl.data.rooms.streams import Purpose, stream

CAMOUFLAGED = 0.3  # share of things in the paint of the room: edges without a change of colour


def build_scene(spec: Spec, number: int) -> Scene:
    """Generate scene `number` of a split."""
    rng = stream(Purpose.SCENE, spec, number)
    return _Decorator(rng, spec.clutter).scene()


class _Decorator:
    """Fills one room, largest objects first."""

    def __init__(self, rng: Generator, clutter: float) -> None:
        self.rng = rng
        self.clutter = clutter
        self.width, self.depth = rng.uniform(3.0, 6.5, size=2).tolist()
        self.height = float(rng.uniform(2.3, 3.2))
        self.plan = Plan(self.width, self.depth)
        self.builder = Builder()
        self.focus: list[Point] = []
        self.tops: list[tuple[Pose, Piece]] = []
        ceiling = (rng.uniform(0.35, 0.65) * self.width, rng.uniform(0.35, 0.65) * self.depth, self.height - 0.1)
        self.lamps = [(ceiling, float(rng.uniform(2.0, 3.5)))]

    def scene(self) -> Scene:
        area = self.width * self.depth
        self.shell()
        self.openings()
        for _ in range(self.count(1.2)):
            self.stand(furniture.bed(self.rng) if self.rng.uniform() < 0.35 else furniture.sofa(self.rng))
        for _ in range(self.count(0.6 + area / 14)):
            self.stand(furniture.cabinet(self.rng))
        for _ in range(self.count(0.6 + area / 12)):
            self.table_with_chairs()
        for _ in range(self.count(self.rng.uniform(0, area / 10))):
            self.stand(furniture.chair(self.rng))
        for _ in range(self.count(0.6)):
            self.stand(furniture.lamp(self.rng))
        for _ in range(self.count(min(self.rng.geometric(0.45) - 1, 3))):
            self.stand(person(self.rng))
        for _ in range(self.count(self.rng.integers(2, 10))):
            self.small_object()
        if self.rng.uniform() < 0.5:
            self.rug()
        for _ in range(self.count(self.rng.integers(0, 4))):
            self.hang(fixtures.picture(self.rng), self.rng.uniform(1.35, 1.7))
        return Scene(
            size=np.array((self.width, self.depth, self.height), np.float32),
            shapes=self.builder.shapes(),
            materials=tuple(self.builder.materials),
            labels=np.array(self.builder.labels, np.uint8),
            lamps=self.lamps,
            discs=np.array(self.plan.discs).reshape(-1, 3),
            focus=np.array(self.focus).reshape(-1, 3),
        )

    def count(self, mean: float | np.integer) -> int:
        return int(mean * self.clutter + self.rng.uniform())

    def shell(self) -> None:
        w, d, h, thick = self.width / 2, self.depth / 2, self.height / 2, 0.05
        paint, floor = wall_paint(self.rng), flooring(self.rng)
        self.paints = (paint, paint, floor)
        for x in (-thick, 2 * w + thick):
            self.builder.item("wall", x, d).box((0, 0, h), (thick, d, h), paint)
        accent = wall_paint(self.rng) if self.rng.uniform() < 0.3 else paint
        for y, surface in ((-thick, paint), (2 * d + thick, accent)):
            self.builder.item("wall", w, y).box((0, 0, h), (w, thick, h), surface)
        self.builder.item("floor", w, d).box((0, 0, -thick), (w, d, thick), floor)
        self.builder.item("ceiling", w, d).box((0, 0, 2 * h + thick), (w, d, thick), ceiling_paint(self.rng))

    def openings(self) -> None:
        if self.rng.uniform() < 0.8:
            pose = self.hang(fixtures.door(self.rng, self.height))
            if pose is not None:
                self.plan.discs.append((*_before(pose, 0.4), 0.4))
        for _ in range(self.rng.integers(0, 3)):
            piece = fixtures.window(self.rng, self.height)
            pose = self.hang(piece)
            if pose is not None and len(self.lamps) == 1:
                daylight = (*_before(pose, 0.35), 0.75 * piece.height)
                self.lamps.append((daylight, float(self.rng.uniform(1.0, 2.5))))

    def paint(self, label: str) -> Material | None:
        """The wall's paint or the floor's, for a thing that hardly differs from what is behind it; mostly none."""
        if label in ("window", "lamp", "person") or self.rng.uniform() >= CAMOUFLAGED:
            return None
        return self.paints[self.rng.integers(len(self.paints))]

    def hang(self, piece: Piece, z: float = 0.0) -> Pose | None:
        place = self.plan.find_wall(self.rng, piece.width)
        if place is None:
            return None
        self.plan.hang(*place, piece.width)
        x, y, yaw = pose = self.plan.wall_pose(*place, 0.0)
        piece.build(self.builder.item(piece.label, x, y, z, yaw, self.paint(piece.label)))
        return pose

    def stand(self, piece: Piece) -> Pose | None:
        pose = self.plan.stand(self.rng, piece)
        if pose is not None:
            self.put(piece, pose)
        return pose

    def put(self, piece: Piece, pose: Pose) -> None:
        x, y, yaw = pose
        piece.build(self.builder.item(piece.label, x, y, 0.0, yaw, self.paint(piece.label)))
        self.focus.append((x, y, piece.height * float(self.rng.uniform(0.4, 1.0))))
        if piece.top:
            self.tops.append((pose, piece))
        if piece.back and piece.height > EYE_LEVEL:
            wall = int(np.argmin((x, self.width - x, y, self.depth - y)))
            self.plan.hang(wall, y if wall < 2 else x, piece.width)

    def table_with_chairs(self) -> None:
        piece = furniture.table(self.rng)
        pose = self.stand(piece)
        if pose is None or piece.top < 0.6:
            return
        x, y, yaw = pose
        for side in self.rng.permutation(4)[: self.count(self.rng.uniform(0, 3))].tolist():
            seat = furniture.chair(self.rng)
            reach = (piece.depth, piece.width)[side % 2] / 2 + seat.depth / 2 + self.rng.uniform(-0.15, 0.15)
            turn = yaw + side * pi / 2
            at = (x + reach * sin(turn), y - reach * cos(turn), turn + self.rng.uniform(-0.2, 0.2))
            if self.plan.take(at, seat, spared=footprint(pose, piece)):
                self.put(seat, at)

    def small_object(self) -> None:
        if self.tops and self.rng.uniform() < 0.65:
            (x, y, yaw), under = self.tops[self.rng.integers(len(self.tops))]
            piece = things.thing(self.rng, self.rng.uniform(0.12, 0.3))
            u = self.rng.uniform(-0.38, 0.38) * max(under.width - 1.2 * piece.width, 0)
            v = self.rng.uniform(-0.38, 0.38) * max(under.depth - 1.2 * piece.width, 0)
            x, y = x + u * cos(yaw) - v * sin(yaw), y + u * sin(yaw) + v * cos(yaw)
            piece.build(self.builder.item("object", x, y, under.top, self.rng.uniform(-pi, pi), self.paint("object")))
        else:
            self.stand(things.thing(self.rng, self.rng.uniform(0.25, 0.5)))

    def rug(self) -> None:
        piece = fixtures.rug(self.rng)
        x = self.rng.uniform(piece.width / 2, self.width - piece.width / 2)
        y = self.rng.uniform(piece.depth / 2, self.depth - piece.depth / 2)
        piece.build(self.builder.item(piece.label, x, y, paint=self.paint(piece.label)))


def _before(pose: Pose, distance: float) -> tuple[float, float]:
    """The point of the floor `distance` metres in front of a pose."""
    x, y, yaw = pose
    return x - distance * sin(yaw), y + distance * cos(yaw)
