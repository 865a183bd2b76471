"""A standing mannequin whose limbs carry the six human parts."""

from math import cos, sin

from numpy.random import Generator

from mtl.data.rooms.furniture import Piece
from mtl.data.rooms.materials import cloth, colour, plain, skin
from mtl.data.rooms.scene import PARTS, Item, Point

HEAD, TORSO, UPPER_ARM, LOWER_ARM, UPPER_LEG, LOWER_LEG = range(1, len(PARTS))


def _joint(start: Point, length: float, forward: float, sideways: float) -> Point:
    """End of a hanging limb swung forward (towards +y) and outward (towards +x) by angles in radians."""
    x, y, z = start
    return (
        x + length * sin(sideways),
        y + length * cos(sideways) * sin(forward),
        z - length * cos(sideways) * cos(forward),
    )


def person(rng: Generator) -> Piece:
    """A standing person with random height, clothing and arm pose."""
    tall = rng.uniform(1.5, 1.9)
    bare, shirt, trousers = skin(rng), cloth(rng), cloth(rng)
    sleeve = shirt if rng.uniform() < 0.5 else bare
    hair, shoe = plain(colour(rng, (0.1, 0.7), (0.02, 0.5))), plain(colour(rng, (0, 0.6), (0.03, 0.5)))
    swing = rng.uniform(-0.35, 0.35, size=2)
    raised, spread = rng.uniform(-0.4, 1.3, size=2), rng.uniform(0.08, 0.5, size=2)
    elbow = rng.uniform(0.0, 1.5, size=2)

    def build(item: Item) -> None:
        hip, shoulder = 0.52 * tall, 0.81 * tall
        head = (0.0, 0.01, 0.925 * tall)
        item.sphere(head, 0.068 * tall, bare, HEAD)
        item.sphere((0, -0.018, 0.938 * tall), 0.068 * tall, hair, HEAD)
        item.rod((0, 0, shoulder), (0, 0, 0.88 * tall), 0.032 * tall, bare, TORSO)
        chest = (0.098 * tall, 0.06 * tall, (shoulder - hip) / 2)
        item.box((0, 0, (hip + shoulder) / 2 + 0.01), chest, shirt, TORSO)
        item.rod((-0.075 * tall, 0, shoulder), (0.075 * tall, 0, shoulder), 0.04 * tall, shirt, TORSO)
        item.rod((-0.05 * tall, 0, hip), (0.05 * tall, 0, hip), 0.058 * tall, trousers, TORSO)
        for number, side in enumerate((-1, 1)):
            top = (side * 0.125 * tall, 0.0, 0.80 * tall)
            bend = _joint(top, 0.165 * tall, raised[number], side * spread[number])
            wrist = _joint(bend, 0.145 * tall, raised[number] + elbow[number], side * spread[number] * 0.4)
            item.rod(top, bend, 0.030 * tall, shirt, UPPER_ARM)
            item.rod(bend, wrist, 0.024 * tall, sleeve, LOWER_ARM)
            item.sphere(wrist, 0.03 * tall, bare, LOWER_ARM)
            top = (side * 0.055 * tall, 0.0, hip)
            forward = swing[0] * side
            knee = _joint(top, 0.245 * tall, forward, side * 0.04)
            ankle = _joint(knee, 0.235 * tall, forward - abs(swing[1]) * 0.5, 0.0)
            item.rod(top, knee, 0.047 * tall, trousers, UPPER_LEG)
            item.rod(knee, ankle, 0.034 * tall, trousers, LOWER_LEG)
            x, y, _ = ankle
            item.box((x, y + 0.06, 0.035), (0.045, 0.13, 0.035), shoe, LOWER_LEG)

    return Piece("person", 0.6, 0.55, tall, build)
