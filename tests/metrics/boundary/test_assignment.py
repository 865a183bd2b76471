import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from mtl.metrics.boundary import boundary_counts
from mtl.metrics.boundary.assignment import cheapest, cost_graph
from mtl.metrics.boundary.candidates import candidates
from mtl.metrics.boundary.matching import Matching


def scene(seed, reach):
    rng = np.random.default_rng(seed)
    boundary = rng.random((12, 14)) < 0.15
    points = np.flatnonzero(rng.random((12, 14)) < 0.2)
    lists, near = candidates(points, boundary, reach)
    return points[near], lists, boundary


def dense_costs(points, boundary, reach):
    """Costs in pixels of a square problem with a partner of its own for everybody: pairs, and pixels left alone."""
    y, x = np.divmod(points, boundary.shape[1])
    true_y, true_x = boundary.nonzero()
    distances = np.hypot(y[:, None] - true_y, x[:, None] - true_x)
    size, far = len(points) + len(true_y), 1e9
    costs = np.full((size, size), far)
    costs[: len(points), : len(true_y)] = np.where(distances <= reach, distances, far)
    costs[np.arange(len(points)), len(true_y) + np.arange(len(points))] = 100 * reach
    costs[len(points) + np.arange(len(true_y)), np.arange(len(true_y))] = 100 * reach
    costs[len(points) :, len(true_y) :] = 0
    return costs


@pytest.mark.parametrize("reach", [1.0, 1.5, 3.3])
def test_as_many_pairs_at_the_same_cost_as_a_dense_solver(reach):
    for seed in range(20):
        points, lists, boundary = scene(seed, reach)
        graph = cost_graph(points, lists, boundary, reach)
        paired = cheapest(graph, np.arange(len(points)))
        costs = dense_costs(points, boundary, reach)
        rows, columns = linear_sum_assignment(costs)
        true = np.count_nonzero(boundary)
        dense = (rows < len(points)) & (columns < true)
        assert len(paired) == dense.sum()
        # the pairs' own cost: solve again for the paired rows alone
        ours = linear_sum_assignment(costs[np.ix_(paired, range(true))])
        total = costs[np.ix_(paired, range(true))][ours].sum()
        assert total == pytest.approx(costs[rows[dense], columns[dense]].sum(), abs=0.01 * len(paired))


def test_as_many_pairs_as_the_largest_matching():
    for seed in range(20):
        points, lists, boundary = scene(seed, 2.3)
        size = Matching(lists, np.count_nonzero(boundary)).step([], range(len(points)))
        assert len(cheapest(cost_graph(points, lists, boundary, 2.3), np.arange(len(points)))) == size


def test_the_nearer_of_two_pixels_is_paired():
    boundary = np.zeros((1, 9), bool)
    boundary[0, 4] = True
    points = np.array([2, 5])
    graph = cost_graph(points, [[0], [0]], boundary, 3.0)
    assert cheapest(graph, np.arange(2)).tolist() == [1]
    assert cheapest(graph, np.array([0])).tolist() == [0]
    assert cheapest(graph, np.array([], int)).tolist() == []


def test_pair_without_a_distance_is_a_pair():
    boundary = np.ones((1, 2), bool)
    assert cheapest(cost_graph(np.array([0, 1]), [[0], [1]], boundary, 0.0), np.arange(2)).tolist() == [0, 1]


#   one annotator's boundary  b . . . .      the other's  . . . c .      predicted  p . . q r
#   tolerance: one pixel. q takes c, since it lies on it; r goes without although it is within reach
def test_several_annotators_by_hand():
    first, second = np.zeros((2, 4, 5), bool)
    first[0, 0] = second[0, 3] = True
    probability = np.zeros((4, 5), np.float32)
    probability[0, [0, 3, 4]] = 0.9
    settings = {"thresholds": [0.5, 0.95], "max_distance": 1.01 / np.hypot(4, 5), "nms": False}
    both = boundary_counts(probability, np.stack([first, second]), **settings)
    assert both.tolist() == [[2, 0], [3, 0], [2, 0], [2, 2]]
    # one predicted pixel found by two annotators is one predicted pixel and two true ones
    assert boundary_counts(probability, np.stack([first, first]), **settings)[:, 0].tolist() == [1, 3, 2, 2]


def test_one_annotator_of_many_counts_as_one():
    rng = np.random.default_rng(3)
    probability = rng.random((20, 24)).astype(np.float32)
    boundary = np.zeros((20, 24), bool)
    boundary[::6] = True
    settings = {"thresholds": np.linspace(0.1, 0.9, 9), "max_distance": 0.05}
    one = boundary_counts(probability, boundary, **settings)
    assert np.array_equal(boundary_counts(probability, boundary[None], **settings), one)
    twice = boundary_counts(probability, np.stack([boundary, boundary]), **settings)
    assert np.array_equal(twice, one * np.array([[1], [1], [2], [2]]))
