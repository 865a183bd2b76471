"""Tables, chairs, sofas, beds, cabinets and lamps of random proportions."""

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from mtl.data.rooms.materials import any_surface, cloth, colour, plain, timber
from mtl.data.rooms.scene import Item


@dataclass(frozen=True)
class Piece:
    """An object to place: its class, its extent in metres, and a function that builds it in its own frame.

    `top` is the height of a surface that can carry objects (0: none); `back` means that it needs a wall behind it.
    """

    label: str
    width: float
    depth: float
    height: float
    build: Callable[[Item], None]
    top: float = 0.0
    back: bool = False


def table(rng: Generator) -> Piece:
    """A dining, desk or coffee table, sometimes round."""
    height = rng.uniform(0.36, 0.48) if rng.uniform() < 0.3 else rng.uniform(0.68, 0.78)
    surface, frame = any_surface(rng), any_surface(rng)
    thick = rng.uniform(0.015, 0.03)
    if rng.uniform() < 0.2:
        radius = rng.uniform(0.38, 0.6)

        def build_round(item: Item) -> None:
            item.rod((0, 0, height - 2 * thick), (0, 0, height), radius, surface, round_ends=False)
            item.rod((0, 0, 0.02), (0, 0, height - 2 * thick), 0.05, frame, round_ends=False)
            item.rod((0, 0, 0), (0, 0, 0.03), radius * 0.55, frame, round_ends=False)

        return Piece("table", 2 * radius, 2 * radius, height, build_round, top=height)
    width, depth = rng.uniform(0.9, 1.7), rng.uniform(0.55, 0.9)
    leg = rng.uniform(0.02, 0.04)

    def build(item: Item) -> None:
        item.box((0, 0, height - thick), (width / 2, depth / 2, thick), surface)
        long = height / 2 - thick
        for x in (-1, 1):
            for y in (-1, 1):
                corner = (x * (width / 2 - 2 * leg), y * (depth / 2 - 2 * leg), long)
                item.box(corner, (leg, leg, long), frame)

    return Piece("table", width, depth, height, build, top=height)


def chair(rng: Generator) -> Piece:
    """A chair with four legs and a back at its rear."""
    width, depth = rng.uniform(0.4, 0.5), rng.uniform(0.4, 0.5)
    seat, back = rng.uniform(0.42, 0.5), rng.uniform(0.35, 0.55)
    surface, frame = any_surface(rng), any_surface(rng)
    low = rng.uniform(0.0, 0.6) * back

    def build(item: Item) -> None:
        item.box((0, 0, seat - 0.025), (width / 2, depth / 2, 0.025), surface)
        rear = 0.022 - depth / 2
        item.box((0, rear, seat + (low + back) / 2), (width / 2, 0.02, (back - low) / 2), surface)
        for x in (0.022 - width / 2, width / 2 - 0.022):
            item.box((x, -rear, (seat - 0.05) / 2), (0.02, 0.02, (seat - 0.05) / 2), frame)
            tall = (seat + low + 0.02) / 2
            item.box((x, rear, tall), (0.02, 0.021, tall), frame)

    return Piece("chair", width, depth, seat + back, build)


def sofa(rng: Generator) -> Piece:
    """A sofa or armchair with cushions and arms."""
    width, depth = rng.uniform(0.9, 2.1), rng.uniform(0.75, 0.95)
    seat, back, arm = rng.uniform(0.38, 0.46), rng.uniform(0.75, 0.95), rng.uniform(0.07, 0.12)
    cover, cushion = cloth(rng), cloth(rng)
    cushions = 1 if width < 1.3 else 2

    def build(item: Item) -> None:
        base = seat - 0.12
        item.box((0, 0, base / 2 + 0.03), (width / 2, depth / 2, base / 2 - 0.03), cover)
        item.box((0, 0.1 - depth / 2, (base + back) / 2), (width / 2, 0.1, (back - base) / 2), cover)
        for side in (-1, 1):
            x = side * (width / 2 - arm)
            item.box((x, 0, (base + seat + 0.2) / 2), (arm, depth / 2, (seat + 0.2 - base) / 2), cover)
        share = (width - 4 * arm) / cushions
        for number in range(cushions):
            x = (number + 0.5) * share - (width - 4 * arm) / 2
            item.box((x, 0.1, base + 0.06), (share / 2 - 0.008, depth / 2 - 0.1, 0.06), cushion)

    return Piece("sofa", width, depth, back, build, top=seat, back=True)


def bed(rng: Generator) -> Piece:
    """A bed with its head to the wall; its class is sofa, the class of soft furniture."""
    width, length, top = rng.uniform(0.9, 1.7), rng.uniform(1.9, 2.1), rng.uniform(0.42, 0.56)
    frame, sheet, blanket = any_surface(rng), plain(colour(rng, (0, 0.3), (0.5, 0.9))), cloth(rng)
    head = rng.uniform(0.8, 1.1)
    pillows = 1 if width < 1.3 else 2

    def build(item: Item) -> None:
        item.box((0, 0, top / 2 - 0.07), (width / 2, length / 2, top / 2 - 0.1), frame)
        item.box((0, 0.02, top - 0.1), (width / 2 - 0.02, length / 2 - 0.04, 0.08), sheet)
        item.box((0, 0.22, top - 0.08), (width / 2 - 0.01, length / 2 - 0.24, 0.085), blanket)
        item.box((0, 0.025 - length / 2, head / 2), (width / 2, 0.025, head / 2), frame)
        for number in range(pillows):
            x = (number + 0.5) * width / pillows - width / 2
            item.box((x, 0.27 - length / 2, top + 0.03), (0.4 * width / pillows, 0.16, 0.06), sheet)

    return Piece("sofa", width, length, head, build, top=top, back=True)


def cabinet(rng: Generator) -> Piece:
    """A chest of drawers, a sideboard or a wardrobe with raised fronts and knobs."""
    high = rng.uniform() < 0.4
    width, depth = rng.uniform(0.5, 1.5), rng.uniform(0.32, 0.58)
    height = rng.uniform(1.6, 2.1) if high else rng.uniform(0.6, 1.1)
    carcass = any_surface(rng)
    front = carcass if rng.uniform() < 0.5 else any_surface(rng)
    knob = plain(colour(rng, (0, 0.3), (0.1, 0.9)), gloss=0.8)
    fronts = int(rng.integers(1, 4))
    drawers = not high and rng.uniform() < 0.5

    def build(item: Item) -> None:
        item.box((0, 0, height / 2), (width / 2, depth / 2, height / 2), carcass)
        span = (height if drawers else width) - 0.06
        for number in range(fronts):
            middle = (number + 0.5) * span / fronts - span / 2
            half = span / fronts / 2 - 0.012
            y = depth / 2
            if drawers:
                z = middle + height / 2
                item.box((0, y, z), (width / 2 - 0.03, 0.02, half), front)
                item.sphere((0, y + 0.03, z), 0.022, knob)
            else:
                item.box((middle, y, height / 2), (half, 0.02, height / 2 - 0.04), front)
                item.sphere((middle + 0.8 * half, y + 0.03, height * 0.5), 0.022, knob)

    return Piece("cabinet", width, depth + 0.04, height, build, top=0.0 if high else height, back=True)


def lamp(rng: Generator) -> Piece:
    """A floor lamp with a glowing shade."""
    height, radius = rng.uniform(1.35, 1.7), rng.uniform(0.14, 0.22)
    metal = timber(rng) if rng.uniform() < 0.3 else plain(colour(rng, (0, 0.2), (0.05, 0.7)), gloss=0.7)
    warm = plain(colour(rng, (0.05, 0.35), (0.75, 1.0)), glow=rng.uniform(0.5, 1.1))

    def build(item: Item) -> None:
        item.rod((0, 0, 0), (0, 0, 0.03), 0.15, metal, round_ends=False)
        item.rod((0, 0, 0.03), (0, 0, height - 0.25), 0.018, metal, round_ends=False)
        item.rod((0, 0, height - 0.3), (0, 0, height), radius, warm, round_ends=False)

    return Piece("lamp", 0.4, 0.4, height, build)
