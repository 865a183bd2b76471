import numpy as np
import pytest

from mtl.metrics.boundary.compiled import candidates


@pytest.mark.parametrize("reach", [0.0, 0.99, 1.0, 1.27, 2**0.5, 2.3, 5.0, 7.73])
def test_lists_equal_all_pairwise_distances(reach):
    rng = np.random.default_rng(0)
    boundary = rng.random((13, 17)) < 0.2
    pixels = np.flatnonzero(rng.random((13, 17)) < 0.3)
    graph = candidates(pixels, boundary, reach)
    y, x = np.divmod(pixels, 17)
    true_y, true_x = boundary.nonzero()
    # 2**0.5 squared is above 2, 5.0 squared is exactly 25
    within = (y[:, None] - true_y) ** 2 + (x[:, None] - true_x) ** 2 <= reach * reach
    lists = [sorted(row) for row in np.split(graph.numbers, graph.starts[1:-1])]
    assert lists == [np.flatnonzero(row).tolist() for row in within]
    suitors = [row.tolist() for row in np.split(graph.suitors, graph.back[1:-1])]
    assert suitors == [np.flatnonzero(column).tolist() for column in within.T]


def test_nearest_rows_come_first():
    boundary = np.zeros((5, 1), bool)
    boundary[[0, 1, 3]] = True
    assert candidates(np.array([2]), boundary, 2.0).numbers.tolist() == [1, 2, 0]


def test_no_pixel_and_no_boundary_give_no_lists():
    boundary = np.zeros((4, 5), bool)
    for pixels in (np.zeros(0, int), np.array([3, 7])):
        graph = candidates(pixels, boundary, 2.0)
        assert graph.starts.tolist() == [0] * (len(pixels) + 1)
        assert [len(part) for part in graph[1:]] == [0, 1, 0]
    assert candidates(np.zeros(0, int), ~boundary, 2.0).back.tolist() == [0] * 21
