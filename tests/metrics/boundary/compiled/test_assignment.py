import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from mtl.metrics.boundary import boundary_counts
from mtl.metrics.boundary.compiled import candidates, cheapest, cost_alone, largest, pair_costs, steps, thin, unpack

MAPS = 9


def scene(seed, reach, shape=(12, 14)):
    """Thinned maps of a random image, the graph of their pixels, and its costs."""
    rng = np.random.default_rng(seed)
    boundary = rng.random(shape) < 0.15
    levels = rng.integers(MAPS + 1, size=shape).ravel() * (rng.random(shape).ravel() < 0.4)
    pixels, words = thin(np.arange(levels.size), levels, shape, MAPS)
    graph = candidates(pixels, boundary, reach)
    return words, graph, pair_costs(graph, pixels, boundary)


def by_scipy(graph, costs, alone, there):
    """The pixels that SciPy's solver pairs, and the total cost of a pair or a pixel left alone each."""
    num_pixels, num_boundary = len(graph.starts) - 1, len(graph.back) - 1
    rows = np.repeat(np.arange(num_pixels), np.diff(graph.starts))
    own = np.arange(num_pixels)
    full = csr_array(
        (
            np.concatenate([costs, np.full(num_pixels, alone)]) + 1.0,  # a sparse array drops zeros
            (np.concatenate([rows, own]), np.concatenate([graph.numbers, num_boundary + own])),
        ),
        shape=(num_pixels, num_boundary + num_pixels),
    )[there]
    rows, columns = min_weight_full_bipartite_matching(full)
    return there[rows[columns < num_boundary]]


@pytest.mark.parametrize("reach", [1.0, 1.5, 3.3])
def test_the_same_pixels_as_a_solver_that_starts_again_for_every_map(reach):
    for seed in range(30):
        words, graph, costs = scene(seed, reach)
        paired = cheapest(graph, steps(words, MAPS), costs, cost_alone(reach))
        for there, ours in zip(unpack(words, MAPS), paired, strict=True):
            expected = by_scipy(graph, costs, cost_alone(reach), np.flatnonzero(there))
            assert np.flatnonzero(ours).tolist() == sorted(expected.tolist())


def test_as_many_pairs_as_the_largest_matching():
    for seed in range(20):
        words, graph, costs = scene(seed, 2.3)
        paired = cheapest(graph, steps(words, MAPS), costs, cost_alone(2.3))
        assert np.array_equal(paired.sum(axis=1), largest(graph, steps(words, MAPS))[0])


def test_cost_is_the_distance_in_hundredths_with_a_smaller_part_that_differs():
    boundary = np.ones((3, 4), bool)
    pixels = np.array([0])
    graph = candidates(pixels, boundary, 3.7)
    costs = pair_costs(graph, pixels, boundary)
    y, x = np.divmod(graph.numbers, 4)
    assert (costs >> 20).tolist() == np.rint(100 * np.hypot(y, x)).tolist()
    assert len(np.unique(costs & (2**20 - 1))) == len(costs)
    assert cost_alone(3.7) >> 20 == 2 * 100 * 370
    assert cost_alone(0.5) >> 20 == 2 * 100 * 100


# one annotator's boundary  b . . . .      the other's  . . . c .      predicted  p . . q r
# tolerance: one pixel. q takes c, at distance 0; r goes without although it is within reach
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


def test_the_nearer_of_two_pixels_is_paired_and_gives_way_when_it_leaves():
    # at 0.2 both are there and the nearer, second one is paired with the first annotator; at 0.7 only the first one
    near, other = np.zeros((2, 1, 9), bool)
    near[0, 4] = other[0, 5] = True
    probability = np.zeros((1, 9), np.float32)
    probability[0, [2, 5]] = 0.9, 0.5
    settings = {"thresholds": [0.2, 0.7], "max_distance": 2.01 / np.hypot(1, 9), "nms": False}
    counts = boundary_counts(probability, np.stack([near, other]), **settings)
    assert counts.tolist() == [[1, 1], [2, 1], [2, 1], [2, 2]]


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
