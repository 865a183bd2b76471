"""Small objects for floors and table tops."""

from numpy.random import Generator

from mtl.data.rooms.furniture import Piece
from mtl.data.rooms.materials import any_surface, colour, plain
from mtl.data.rooms.scene import Item


def ball(rng: Generator, size: float) -> Piece:
    """A ball."""
    radius, surface = size * rng.uniform(0.4, 0.6), any_surface(rng)
    wide = 2 * radius
    return Piece("object", wide, wide, wide, lambda item: item.sphere((0, 0, radius), radius, surface))


def vase(rng: Generator, size: float) -> Piece:
    """A vase, can or bin."""
    radius, height, surface = size * rng.uniform(0.25, 0.45), size * rng.uniform(0.8, 1.6), any_surface(rng)

    def build(item: Item) -> None:
        item.rod((0, 0, 0), (0, 0, height), radius, surface, round_ends=False)

    return Piece("object", 2 * radius, 2 * radius, height, build)


def parcel(rng: Generator, size: float) -> Piece:
    """A book, a box or a device."""
    x, y, z = size * rng.uniform(0.35, 0.75), size * rng.uniform(0.25, 0.55), size * rng.uniform(0.1, 0.6)
    surface = any_surface(rng)
    return Piece("object", 2 * x, 2 * y, 2 * z, lambda item: item.box((0, 0, z), (x, y, z), surface))


def plant(rng: Generator, size: float) -> Piece:
    """A potted plant."""
    pot, leaf = any_surface(rng), plain(colour(rng, (0.2, 0.8), (0.1, 0.6)))
    radius = size * rng.uniform(0.3, 0.4)
    places = [(*side, rng.uniform(1.2, 2.2)) for side in ((0.5, 0), (0, 0.5), (-0.5, 0), (0, -0.5))]

    def build(item: Item) -> None:
        item.rod((0, 0, 0), (0, 0, size * 0.7), radius, pot, round_ends=False)
        item.rod((0, 0, size * 0.7), (0, 0, size * 1.2), radius * 0.2, leaf)
        for x, y, z in places:
            item.sphere((x * radius, y * radius, z * size), radius * 0.9, leaf)

    return Piece("object", 2 * radius, 2 * radius, 2 * size, build)


def thing(rng: Generator, size: float) -> Piece:
    """Any small object of about `size` metres."""
    make = (ball, vase, parcel, plant)[rng.integers(4)]
    return make(rng, size)
