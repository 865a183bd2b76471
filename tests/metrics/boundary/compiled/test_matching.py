import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from mtl.metrics.boundary.compiled import Graph, Steps, largest


def by_hopcroft_karp(graph, present):
    """Size of a largest matching by the algorithm of Hopcroft and Karp."""
    if not present.any():
        return 0
    return int((maximum_bipartite_matching(csr_array(graph[present]), perm_type="column") >= 0).sum())


def lists(rows):
    starts = np.cumsum([0, *(len(row) for row in rows)])
    return starts, np.array([number for row in rows for number in row], np.int32)


def sizes(graph, presence):
    """Sizes of the largest matchings of the maps in `presence`, which are visited from the first to the last."""
    graph, presence = np.array(graph, bool), np.array(presence, bool)
    rows = Graph(*lists([np.flatnonzero(row) for row in graph]), *lists([np.flatnonzero(row) for row in graph.T]))
    before = np.vstack([np.zeros_like(presence[:1]), presence[:-1]])
    changes = [
        np.flatnonzero(change) for old, new in zip(before, presence, strict=True) for change in (old & ~new, new & ~old)
    ]
    pairs = list(zip(changes[::2], changes[1::2], strict=True))[::-1]  # `Steps` has the map visited last first
    starts, order = lists([change for pair in pairs for change in pair])
    found, present = largest(rows, Steps(order, np.append(starts, starts[-1]).reshape(-1, 2)))
    assert present[::-1].tolist() == presence.sum(axis=1).tolist()
    return found[::-1].tolist()


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
        assert sizes(graph, presence) == [by_hopcroft_karp(graph, present) for present in presence]


def test_an_owner_moves_on_to_make_room():
    assert sizes([[1, 1], [1, 0]], [[1, 0], [1, 1]]) == [1, 2]


def test_a_waiting_pixel_inherits_through_a_chain():
    # boundary pixels 0 and 1 are taken; pixel 2 waits for 0, whose owner could use 1
    assert sizes([[1, 1], [0, 1], [1, 0]], [[1, 1, 1], [1, 0, 1]]) == [2, 2]


def test_removing_a_waiting_pixel_changes_nothing():
    assert sizes([[1], [1]], [[1, 1], [1, 0], [0, 0]]) == [1, 1, 0]
