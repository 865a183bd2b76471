import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from mtl.metrics.boundary.matching import Matching


def largest(graph, present):
    """Size of a largest matching by the algorithm of Hopcroft and Karp."""
    if not present.any():
        return 0
    return int((maximum_bipartite_matching(csr_array(graph[present]), perm_type="column") >= 0).sum())


def steps(presence):
    before = np.vstack([np.zeros_like(presence[:1]), presence[:-1]])
    for old, new in zip(before, presence, strict=True):
        yield np.flatnonzero(old & ~new).tolist(), np.flatnonzero(new & ~old).tolist()


@pytest.mark.parametrize("density", [0.03, 0.08, 0.15, 0.4])
@pytest.mark.parametrize("stay", [0.0, 0.7])
def test_size_equals_hopcroft_karp_while_pixels_come_and_go(density, stay):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        num_pixels, num_boundary = rng.integers(2, 40, 2)
        graph = rng.random((num_pixels, num_boundary)) < density
        presence = rng.random((12, num_pixels)) < rng.uniform(0.2, 0.95, (12, 1))
        stays = rng.random((12, num_pixels)) < stay
        for step in range(1, 12):
            presence[step] = np.where(stays[step], presence[step - 1], presence[step])
        matching = Matching([np.flatnonzero(row).tolist() for row in graph], num_boundary)
        for (removed, added), present in zip(steps(presence), presence, strict=True):
            assert matching.step(removed, added) == largest(graph, present)


def test_an_owner_moves_on_to_make_room():
    matching = Matching([[0, 1], [0]], 2)
    assert matching.step([], [0]) == 1
    assert matching.step([], [1]) == 2


def test_a_waiting_pixel_inherits_through_a_chain():
    # boundary pixels 0 and 1 are taken; pixel 2 waits for 0, whose owner could use 1
    matching = Matching([[0, 1], [1], [0]], 2)
    assert matching.step([], [0, 1, 2]) == 2
    assert matching.step([1], []) == 2


def test_removing_a_waiting_pixel_changes_nothing():
    matching = Matching([[0], [0]], 1)
    assert matching.step([], [0, 1]) == 1
    assert matching.step([1], []) == 1
    assert matching.step([0], []) == 0
