import numpy as np

from mtl.metrics.boundary.compiled import suppress as survivors
from mtl.metrics.boundary.compiled.nms import _normals, _tangents


def suppress(probability, **settings):
    """The suppressed map. Shape [H, W]."""
    pixels, values = survivors(probability, **settings)
    suppressed = np.zeros_like(probability)
    suppressed.flat[pixels] = values
    return suppressed


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


def test_pixels_that_end_below_a_value_are_left_out_and_the_others_unchanged():
    probability, _ = ridge(1.0)
    whole = suppress(probability, radius=1, taper=5)
    assert np.array_equal(suppress(probability, radius=1, taper=5, at_least=0.5), np.where(whole >= 0.5, whole, 0))


def test_result_is_rounded_to_8_bits_after_the_fade():
    probability, _ = ridge(1.0)
    plain, rounded = (suppress(probability, radius=1, taper=5, quantise=quantise) for quantise in (False, True))
    np.testing.assert_allclose(rounded * 255, np.rint(plain * 255), atol=1e-4)


def test_normal_is_that_of_numpys_derivatives_and_trigonometry():
    smooth = np.random.default_rng(0).random((6, 7), np.float32)
    slope_y, slope_x = np.gradient(smooth)
    curve_yy, curve_xy = np.gradient(slope_y)
    curve_xx = np.gradient(slope_x, axis=1)
    angle = np.arctan(curve_yy * np.sign(-curve_xy) / (curve_xx + np.float32(1e-5))) % np.pi
    normals = _normals(_tangents(smooth), np.arange(42, dtype=np.uint64))
    np.testing.assert_allclose(normals, [np.sin(angle).ravel(), np.cos(angle).ravel()], atol=1e-6)
