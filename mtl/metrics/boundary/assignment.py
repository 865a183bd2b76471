"""Cheapest one-to-one pairing of predicted and true boundary pixels at one threshold.

With several annotators it matters which pixels are paired, not only how many: a predicted pixel counts as found if any
annotator's boundary takes it. So the pairs themselves have to be those of the protocol: of all pairings the one that
costs least, where a pair costs its distance and a pixel left alone a hundred tolerances.

    cost of    b0     b1    alone                     a predicted pixel has its true ones within reach to
    p0         1.0    2.2    200 d                    choose from, or to stay alone: that leaves a true
    p1         0.0     -     200 d                    pixel alone, too, and costs both

Jonker and Volgenant, A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems, Computing
1987. https://doi.org/10.1007/BF02278710 (SciPy's implementation).
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

ALONE = 100  # tolerances that a pixel left alone costs
UNITS = 100  # a pixel: the protocol's costs are whole numbers


def cost_graph(points: np.ndarray, lists: list[list[int]], boundary: np.ndarray, reach: float) -> csr_array:
    """Costs of pairing predicted pixels with the B boundary pixels, or each with a column of its own to stay alone.

    Args:
        points: Flat positions of the predicted pixels. Shape [M].
        lists: For each the boundary pixels within reach.
        boundary: True boundary. Shape [H, W].
        reach: Largest distance of a pair, in pixels.

    Returns:
        The costs, each one more than it is, since a sparse array drops a 0. Shape [M, B + M].
    """
    sizes = [len(row) for row in lists]
    true = np.flatnonzero(boundary)
    columns = np.array([number for row in lists for number in row], int)
    y, x = np.divmod(np.repeat(points, sizes), boundary.shape[1])
    true_y, true_x = np.divmod(true[columns], boundary.shape[1])
    costs = np.rint(UNITS * np.hypot(y - true_y, x - true_x))
    alone = np.rint(2 * ALONE * UNITS * max(reach, 1))
    rows = np.repeat(np.arange(len(points)), sizes)
    own = np.arange(len(points))
    return csr_array(
        (
            np.concatenate([costs, np.full(len(points), alone)]) + 1,
            (np.concatenate([rows, own]), np.concatenate([columns, len(true) + own])),
        ),
        shape=(len(points), len(true) + len(points)),
    )


def cheapest(graph: csr_array, present: np.ndarray) -> np.ndarray:
    """Rows that the cheapest pairing of the present rows gives a boundary pixel.

    Args:
        graph: Costs from `cost_graph`. Shape [M, B + M].
        present: Rows to pair. Shape [P].
    """
    rows, columns = min_weight_full_bipartite_matching(graph[present])
    return present[rows[columns < graph.shape[1] - graph.shape[0]]]
