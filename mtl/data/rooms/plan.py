"""The floor plan: which parts of floor and walls are occupied, and where the next piece fits."""

from collections.abc import Sequence
from math import ceil, cos, hypot, inf, pi, sin

from numpy.random import Generator

from mtl.data.rooms.furniture import Piece

TRIES = 12
GAP = 0.08  # metres between two pieces
EYE_LEVEL = 1.3  # taller pieces hide the wall where windows and pictures are

Pose = tuple[float, float, float]  # x, y, yaw
Disc = tuple[float, float, float]  # x, y, radius


class Plan:
    """A rectangular floor, width x depth metres: discs mark occupied floor, spans mark occupied wall.

    Walls are numbered like the shell: low x, high x, low y, high y.
    """

    def __init__(self, width: float, depth: float) -> None:
        self.width = width
        self.depth = depth
        self.discs: list[Disc] = []
        self.spans: list[tuple[int, float, float]] = []

    def wall_pose(self, wall: int, along: float, out: float) -> Pose:
        """x, y and yaw of a piece whose back is parallel to a wall and whose centre is `out` metres from it."""
        return (
            (out, along, -pi / 2),
            (self.width - out, along, pi / 2),
            (along, out, 0.0),
            (along, self.depth - out, pi),
        )[wall]

    def find_wall(self, rng: Generator, width: float) -> tuple[int, float] | None:
        """A wall and a position along it where `width` metres of wall are free up to eye level."""
        for _ in range(TRIES):
            wall = int(rng.integers(4))
            length = self.depth if wall < 2 else self.width
            if width + 0.1 > length:
                continue
            along = rng.uniform(width / 2 + 0.05, length - width / 2 - 0.05)
            low, high = along - width / 2, along + width / 2
            if all(wall != w or high < a or low > b for w, a, b in self.spans):
                return wall, along
        return None

    def hang(self, wall: int, along: float, width: float) -> None:
        """Mark a span of a wall as occupied."""
        self.spans.append((wall, along - width / 2, along + width / 2))

    def stand(self, rng: Generator, piece: Piece) -> Pose | None:
        """Find and occupy a free place for a piece: against a wall if it has a back, else anywhere."""
        for _ in range(TRIES):
            pose = self._against_wall(rng, piece) if piece.back else self._anywhere(rng, piece)
            if pose is not None and self.take(pose, piece):
                return pose
        return None

    def take(self, pose: Pose, piece: Piece, spared: Sequence[Disc] = ()) -> bool:
        """Occupy the floor under a piece if it is inside the room and free; the discs `spared` may overlap."""
        discs = footprint(pose, piece)
        # A piece may touch a wall, where the discs around its footprint reach slightly beyond.
        inside = all(0.7 * r < x < self.width - 0.7 * r and 0.7 * r < y < self.depth - 0.7 * r for x, y, r in discs)
        if not inside or any(self.clearance(x, y, spared) < r + GAP for x, y, r in discs):
            return False
        self.discs.extend(discs)
        return True

    def clearance(self, x: float, y: float, spared: Sequence[Disc] = ()) -> float:
        """Distance in metres to the nearest occupied floor, negative inside it; the discs `spared` are ignored."""
        others = (disc for disc in self.discs if disc not in spared)
        return min((hypot(x - a, y - b) - r for a, b, r in others), default=inf)

    def _against_wall(self, rng: Generator, piece: Piece) -> Pose | None:
        if piece.height > EYE_LEVEL:
            place = self.find_wall(rng, piece.width)
        else:
            wall = int(rng.integers(4))
            length = self.depth if wall < 2 else self.width
            room = length - piece.width - 0.1
            place = (wall, rng.uniform(0, room) + piece.width / 2 + 0.05) if room > 0 else None
        if place is None:
            return None
        return self.wall_pose(*place, piece.depth / 2 + 0.01)

    def _anywhere(self, rng: Generator, piece: Piece) -> Pose:
        margin = min(piece.width, piece.depth) / 2
        x = rng.uniform(margin, self.width - margin)
        y = rng.uniform(margin, self.depth - margin)
        return x, y, rng.uniform(-pi, pi)


def footprint(pose: Pose, piece: Piece) -> list[Disc]:
    """A row of discs that covers a piece's rotated rectangle, except for the tips of its corners."""
    x, y, yaw = pose
    short, long = sorted((piece.width, piece.depth))
    number = ceil(long / short)
    direction = yaw if piece.width >= piece.depth else yaw + pi / 2
    offsets = [((n + 0.5) / number - 0.5) * (long - short) * number / max(number - 1, 1) for n in range(number)]
    return [(x + o * cos(direction), y + o * sin(direction), 0.62 * short) for o in offsets]
