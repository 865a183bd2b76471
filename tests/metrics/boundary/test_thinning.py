import numpy as np
import pytest
from skimage.morphology import thin as reference

from mtl.metrics.boundary.thinning import pack, thin, unpack


def thinned_maps(words, num_maps):
    return unpack(thin(words)[:, 1:-1, 1:-1].reshape(len(words), -1), num_maps)


@pytest.mark.parametrize("seed", range(4))
def test_nested_maps_equal_skimage_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    height, width, num_maps = 23, 31, 70
    coarse = rng.random((height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)[:height, :width]
    levels = ((0.5 * coarse + 0.5 * rng.random((height, width))) * (num_maps + 1)).astype(int)
    maps = thinned_maps(pack(levels, num_maps), num_maps)
    for index in range(num_maps):
        assert np.array_equal(maps[index].reshape(height, width), reference(levels > index))


def test_unrelated_maps_in_one_word_do_not_touch_each_other():
    rng = np.random.default_rng(5)
    maps = rng.random((64, 16, 16)) < rng.uniform(0.2, 0.95, (64, 1, 1))
    words = (maps.astype(np.uint64) << np.arange(64, dtype=np.uint64)[:, None, None]).sum(axis=0)
    thinned = thinned_maps(np.pad(words, 1)[None], 64)
    for one, result in zip(maps, thinned, strict=True):
        assert np.array_equal(result.reshape(16, 16), reference(one))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (9, 9), (8, 13)])
def test_a_full_map_equals_skimage(shape):
    assert np.array_equal(
        thinned_maps(pack(np.ones(shape, int), 1), 1)[0].reshape(shape), reference(np.ones(shape, bool))
    )


def test_empty_maps_stay_empty():
    assert not thinned_maps(pack(np.zeros((5, 6), int), 101), 101).any()


def test_packing_gives_map_k_the_pixels_whose_level_exceeds_k():
    levels = np.array([[0, 1, 63], [64, 65, 101]])
    maps = unpack(pack(levels, 101)[:, 1:-1, 1:-1].reshape(2, -1), 101)
    assert np.array_equal(maps, levels.ravel() > np.arange(101)[:, None])
