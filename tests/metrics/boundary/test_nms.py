import numpy as np

from mtl.metrics.boundary.nms import suppress


def ridge(angle, height=40, width=50):
    y, x = np.mgrid[:height, :width]
    distance = (x - width / 2) * np.cos(angle) + (y - height / 2) * np.sin(angle)
    return np.exp(-(distance**2) / 8).astype(np.float32), np.abs(distance)


def test_only_the_crest_of_a_slanted_ridge_survives():
    for angle in (0.3, 1.0, 2.0, 2.8):
        probability, distance = ridge(angle)
        kept = suppress(probability, radius=1, taper=0)
        inner = (slice(6, -6), slice(6, -6))
        assert distance[inner][kept[inner] > 0].max() < 1.0
        assert (kept[inner] > 0).sum() >= 26


def test_survivors_keep_their_value_and_the_map_is_not_changed():
    probability, _ = ridge(1.0)
    before = probability.copy()
    kept = suppress(probability, radius=1, taper=0)
    assert np.array_equal(probability, before)
    assert np.array_equal(kept[kept > 0], probability[kept > 0])


def test_a_wider_radius_removes_a_weak_line_beside_a_strong_one():
    y, x = np.mgrid[:40, :40]
    slanted = x + 0.2 * y
    probability = np.exp(-((slanted - 22) ** 2)) + 0.3 * np.exp(-((slanted - 25) ** 2) * 2)
    probability = probability.astype(np.float32)
    weak = np.abs(slanted - 25) < 0.5
    rows = (y > 8) & (y < 32)
    assert (suppress(probability, radius=1, taper=0)[weak & rows] > 0).any()
    assert not (suppress(probability, radius=4, taper=0)[weak & rows] > 0).any()


def test_a_constant_map_survives_whole():
    probability = np.full((12, 15), 0.5, np.float32)
    assert np.array_equal(suppress(probability, radius=1, taper=0), probability)


def test_the_taper_is_a_linear_ramp_from_zero_on_every_side():
    tapered = suppress(np.ones((20, 30), np.float32), radius=1, taper=5)
    ramp = np.array([0, 0.2, 0.4, 0.6, 0.8, 1], np.float32)
    for line in (tapered[10, :6], tapered[10, :-7:-1], tapered[:6, 15], tapered[:-7:-1, 15]):
        np.testing.assert_allclose(line, ramp, rtol=1e-6)
    np.testing.assert_allclose(tapered[2, 3], 0.4 * 0.6, rtol=1e-6)
