"""Fixtures of walls and floor: doors, windows, pictures and rugs; all face +y, with their back at y = 0."""

from numpy.random import Generator

from mtl.data.rooms.furniture import Piece
from mtl.data.rooms.materials import any_surface, cloth, colour, plain, sky
from mtl.data.rooms.scene import Item


def rug(rng: Generator) -> Piece:
    """A rug: class floor, but an instance with its own boundary."""
    width, depth, surface = rng.uniform(1.0, 2.4), rng.uniform(0.8, 1.7), cloth(rng)
    half = (width / 2, depth / 2, 0.006)
    return Piece("floor", width, depth, 0.012, lambda item: item.box((0, 0, 0.006), half, surface))


def picture(rng: Generator) -> Piece:
    """A framed picture, centred at the origin of its frame."""
    width, height = rng.uniform(0.3, 1.1), rng.uniform(0.3, 0.8)
    frame, canvas = any_surface(rng), any_surface(rng)

    def build(item: Item) -> None:
        item.box((0, 0.012, 0), (width / 2, 0.012, height / 2), frame)
        item.box((0, 0.015, 0), (width / 2 - 0.035, 0.015, height / 2 - 0.035), canvas)

    return Piece("picture", width, 0.03, height, build)


def door(rng: Generator, ceiling: float) -> Piece:
    """A closed door with its frame and handle."""
    width, height = rng.uniform(0.75, 0.95), min(rng.uniform(1.95, 2.1), ceiling - 0.15)
    leaf, frame = any_surface(rng), any_surface(rng)
    metal = plain(colour(rng, (0, 0.3), (0.2, 0.8)), gloss=0.8)
    panels = rng.uniform() < 0.5

    def build(item: Item) -> None:
        item.box((0, 0.015, height / 2), (width / 2, 0.015, height / 2), leaf)
        for side in (-1, 1):
            item.box((side * (width / 2 + 0.035), 0.025, height / 2), (0.035, 0.025, height / 2), frame)
        item.box((0, 0.025, height + 0.035), (width / 2 + 0.07, 0.025, 0.035), frame)
        item.sphere((width * 0.41, 0.06, height * 0.5), 0.03, metal)
        if panels:
            for z in (0.28, 0.74):
                item.box((0, 0.02, height * z), (width * 0.33, 0.02, height * 0.17), leaf)

    return Piece("door", width + 0.14, 0.05, height, build)


def window(rng: Generator, ceiling: float) -> Piece:
    """A window, sometimes with bars."""
    width, sill = rng.uniform(0.7, 1.8), rng.uniform(0.75, 1.0)
    half = (min(sill + rng.uniform(0.8, 1.3), ceiling - 0.15) - sill) / 2
    pane, frame = sky(rng), plain(colour(rng, (0, 0.4), (0.2, 0.9)))
    bars = int(rng.integers(0, 3))

    def build(item: Item) -> None:
        middle = sill + half
        item.box((0, 0.006, middle), (width / 2, 0.006, half), pane)
        for side in (-1, 1):
            item.box((side * width / 2, 0.02, middle), (0.035, 0.02, half + 0.035), frame)
            item.box((0, 0.02, middle + side * half), (width / 2, 0.02, 0.035), frame)
        for number in range(bars):
            x = ((number + 1) / (bars + 1) - 0.5) * width
            item.box((x, 0.015, middle), (0.018, 0.015, half), frame)

    return Piece("window", width + 0.1, 0.04, sill + 2 * half, build)
