import numpy as np
import pytest

from mtl.data.rooms.shapes import ENTER, Kind

# Radius 1 (or half extents 1), half length of the axis 2.
HALF = {
    Kind.BOX: (1, 1, 2),
    Kind.SPHERE: (1, 1, 1),
    Kind.CYLINDER: (1, 1, 2),
    Kind.CAPSULE: (1, 1, 2),
}


def enter(kind, origin, direction):
    columns = [tuple(np.array([value], np.float32) for value in v) for v in (origin, direction, HALF[kind])]
    return float(ENTER[kind](*columns)[0])


@pytest.mark.parametrize(
    ("kind", "origin", "direction", "expected"),
    [
        (Kind.BOX, (-5, 0, 0), (1, 0, 0), 4),
        (Kind.BOX, (-5, 0, 0), (2, 0, 0), 2),
        (Kind.BOX, (0, 0, 7), (0, 0, -1), 5),
        (Kind.BOX, (-3, -2, 0), (1, 1, 0), 2),
        (Kind.BOX, (-5, 1.1, 0), (1, 0, 0), np.inf),
        (Kind.BOX, (-5, 0, 0), (-1, 0, 0), np.inf),
        (Kind.SPHERE, (-5, 0, 0), (1, 0, 0), 4),
        (Kind.SPHERE, (-5, 0.6, 0), (1, 0, 0), 4.2),
        (Kind.SPHERE, (-5, 1.1, 0), (1, 0, 0), np.inf),
        (Kind.SPHERE, (-5, 0, 0), (-1, 0, 0), np.inf),
        (Kind.CYLINDER, (-5, 0, 1.9), (1, 0, 0), 4),
        (Kind.CYLINDER, (-5, 0.6, 0), (1, 0, 0), 4.2),
        (Kind.CYLINDER, (-5, 0, 2.1), (1, 0, 0), np.inf),
        (Kind.CYLINDER, (0.9, 0, 5), (0, 0, -1), 3),
        (Kind.CYLINDER, (-2.5, 0, 4), (1, 0, -1), 2),
        (Kind.CYLINDER, (1.1, 0, 5), (0, 0, -1), np.inf),
        (Kind.CAPSULE, (-5, 0, 1.9), (1, 0, 0), 4),
        (Kind.CAPSULE, (0, 0, 5), (0, 0, -1), 2),
        (Kind.CAPSULE, (-5, 0, -2.6), (1, 0, 0), 4.2),
        (Kind.CAPSULE, (-5, 0, 3.1), (1, 0, 0), np.inf),
    ],
)
def test_ray_enters_where_a_pencil_says(kind, origin, direction, expected):
    assert enter(kind, origin, direction) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_solid_is_invisible_from_inside(kind):
    assert enter(kind, (0.1, 0.2, 0.3), (0.3, 0.4, 0.5)) == np.inf


@pytest.mark.parametrize("kind", list(Kind))
def test_entry_points_are_on_the_shape_and_no_point_before_is_inside(kind):
    rng = np.random.default_rng(0)
    origin = rng.normal(size=(3, 400)).astype(np.float32)
    origin *= 6 / np.linalg.norm(origin, axis=0)
    direction = (rng.uniform(-1.5, 1.5, size=(3, 400)) - origin).astype(np.float32)
    half = tuple(np.full(400, h, np.float32) for h in HALF[kind])
    t = ENTER[kind](tuple(origin), tuple(direction), half)
    hit = np.isfinite(t)
    assert 50 < hit.sum() < 400 or kind == Kind.BOX
    assert np.abs(signed_distance(kind, origin + np.where(hit, t, 0) * direction)[hit]).max() < 1e-4
    for share in np.linspace(0, 0.98, 40):
        assert signed_distance(kind, origin + share * np.where(hit, t, 2) * direction).min() > -1e-4


def signed_distance(kind, point):
    x, y, z = point
    radial = np.hypot(x, y)
    if kind == Kind.BOX:
        return np.maximum(np.maximum(abs(x), abs(y)) - 1, abs(z) - 2)
    if kind == Kind.SPHERE:
        return np.sqrt(x * x + y * y + z * z) - 1
    if kind == Kind.CYLINDER:
        return np.maximum(radial - 1, abs(z) - 2)
    return np.hypot(radial, np.maximum(abs(z) - 2, 0)) - 1
