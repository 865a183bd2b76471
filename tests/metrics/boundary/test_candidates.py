import numpy as np
import pytest

from mtl.metrics.boundary.candidates import candidates


@pytest.mark.parametrize("reach", [0.0, 0.99, 1.0, 1.27, 2**0.5, 2.3, 5.0, 7.73])
def test_lists_equal_all_pairwise_distances(reach):
    rng = np.random.default_rng(0)
    boundary = rng.random((13, 17)) < 0.2
    points = np.flatnonzero(rng.random((13, 17)) < 0.3)
    lists, near = candidates(points, boundary, reach)
    y, x = np.divmod(points, 17)
    true_y, true_x = boundary.nonzero()
    # 2**0.5 squared is above 2, 5.0 squared is exactly 25
    within = (y[:, None] - true_y) ** 2 + (x[:, None] - true_x) ** 2 <= reach * reach
    assert np.array_equal(near, np.flatnonzero(within.any(axis=1)))
    assert [sorted(row) for row in lists] == [np.flatnonzero(row).tolist() for row in within[near]]


def test_no_point_and_no_boundary_give_no_lists():
    boundary = np.zeros((4, 5), bool)
    for points in (np.zeros(0, int), np.array([3, 7])):
        lists, near = candidates(points, boundary, 2.0)
        assert lists == []
        assert near.size == 0
