import pytest

from mtl.data.rooms.render import render
from mtl.data.rooms.spec import Spec


@pytest.fixture(scope="session")
def spec():
    return Spec(split="val", height=64, width=96, fov=66.0, clutter=1.0, seed=0, scenes=100, scans=1, views=1)


@pytest.fixture(scope="session")
def views(spec):
    """One rendered view of each of 100 rooms."""
    return [render(spec, scene, 0, 0) for scene in range(spec.scenes)]
