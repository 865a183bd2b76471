import numpy as np
import pytest
from skimage.morphology import thin as reference

from mtl.metrics.boundary.compiled import steps, thin, thin_map, unpack
from mtl.metrics.boundary.compiled.thinning import thin_words


def thinned(levels, num_maps):
    """The thinned maps of an image of levels. Shape [num_maps, H, W]."""
    pixels, words = thin(np.arange(levels.size), levels.ravel(), levels.shape, num_maps)
    maps = np.zeros((num_maps, levels.size), bool)
    maps[:, pixels] = unpack(words, num_maps)
    return maps.reshape(num_maps, *levels.shape)


@pytest.mark.parametrize("seed", range(4))
def test_nested_maps_equal_skimage_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    height, width, num_maps = 23, 31, 70
    coarse = rng.random((height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)[:height, :width]
    levels = ((0.5 * coarse + 0.5 * rng.random((height, width))) * (num_maps + 1)).astype(int)
    for index, one in enumerate(thinned(levels, num_maps)):
        assert np.array_equal(one, reference(levels > index))


def test_unrelated_maps_in_one_word_do_not_touch_each_other():
    rng = np.random.default_rng(5)
    maps = rng.random((64, 16, 16)) < rng.uniform(0.2, 0.95, (64, 1, 1))
    words = (maps.astype(np.uint64) << np.arange(64, dtype=np.uint64)[:, None, None]).sum(axis=0)
    image = np.pad(words, 1)
    thin_words(image.ravel(), 18, np.flatnonzero(image))
    for one, result in zip(maps, unpack(image[1:-1, 1:-1].reshape(1, -1), 64), strict=True):
        assert np.array_equal(result.reshape(16, 16), reference(one))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (9, 9), (8, 13)])
def test_a_full_map_equals_skimage(shape):
    assert np.array_equal(thinned(np.ones(shape, int), 1)[0], reference(np.ones(shape, bool)))
    assert np.array_equal(thin_map(np.ones(shape, bool)), reference(np.ones(shape, bool)))


def test_empty_maps_have_no_pixels():
    pixels, words = thin(np.arange(30), np.zeros(30, int), (5, 6), 101)
    assert pixels.size == 0
    assert words.shape == (2, 0)
    assert steps(words, 101).ends.tolist() == [[0, 0]] * 102


def test_map_k_has_the_pixels_whose_level_exceeds_k():
    levels = np.zeros((5, 13), int)
    levels[2, ::2] = [0, 1, 63, 64, 65, 100, 101]  # single pixels, which thinning keeps
    assert np.array_equal(thinned(levels, 101), levels > np.arange(101)[:, None, None])


def test_steps_lead_from_every_map_to_the_next():
    rng = np.random.default_rng(2)
    presence = rng.random((70, 9)) < 0.5
    octets = np.packbits(np.vstack([presence, np.zeros((58, 9), bool)]), axis=0, bitorder="little")
    words = np.ascontiguousarray(octets.T).view(np.uint64).T
    assert np.array_equal(unpack(words, 70), presence)
    order, ends = steps(words, 70)
    now = np.zeros(9, bool)
    for k in range(69, -1, -1):
        leaving, entering = order[ends[k, 0] : ends[k, 1]], order[ends[k, 1] : ends[k + 1, 0]]
        assert now[leaving].all()
        assert not now[entering].any()
        now[leaving], now[entering] = False, True
        assert np.array_equal(now, presence[k])
