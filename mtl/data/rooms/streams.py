"""Independent random streams: draws for one purpose never change those for another."""

from enum import IntEnum

import numpy as np

from mtl.data.rooms.spec import Spec

SPLITS = {"train": 0, "val": 1, "test": 2}


class Purpose(IntEnum):
    """What a stream is for."""

    SCENE = 1
    SCAN = 2
    VIEW = 3
    SENSOR = 4


def stream(purpose: Purpose, spec: Spec, *place: int) -> np.random.Generator:
    """Random stream of one purpose at one place of a dataset.

    Args:
        purpose: What the numbers are for.
        spec: The dataset; only seed and split matter.
        place: Scene, or scene and scan, or scene, scan and view; a purpose always uses the same one.
    """
    words = [int(purpose), spec.seed, SPLITS[spec.split], *place]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
