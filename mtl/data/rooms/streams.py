"""Independent random streams: what is drawn for one purpose never shifts what is drawn for another."""

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
    """Open the stream of one purpose at one place of a dataset.

    Args:
        purpose: What the numbers are for.
        spec: The dataset, of which only seed and split count.
        place: Scene, or scene and scan, or scene, scan and view; always the same number for one purpose.
    """
    words = [int(purpose), spec.seed, SPLITS[spec.split], *place]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
