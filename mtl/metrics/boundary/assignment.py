"""Lowest-cost one-to-one matching of predicted and true boundary pixels at one threshold.

With several annotators it matters which pixels are matched, not only how many: a predicted pixel counts as matched if
it is matched to the boundary of any annotator. The pairs must therefore be those of the protocol, which takes the
matching of lowest total cost. A pair costs its distance, and an unmatched pixel costs 100 times the tolerance d.

    cost of    b0     b1    alone                     a predicted pixel takes a true pixel within reach or
    p0         1.0    2.2    200 d                    stays alone; that leaves a true pixel alone as well,
    p1         0.0     -     200 d                    so it costs twice 100 d

Jonker and Volgenant, A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems, Computing
1987. https://doi.org/10.1007/BF02278710 (SciPy's implementation).
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

ALONE = 100  # cost of an unmatched pixel, in tolerances
UNITS = 100  # per pixel of distance: the costs of the protocol are integers


def cost_graph(points: np.ndarray, lists: list[list[int]], boundary: np.ndarray, reach: float) -> csr_array:
    """Costs of pairing predicted pixels with the B boundary pixels, and of leaving each alone in its own column.

    Args:
        points: Flat positions of the predicted pixels. Shape [M].
        lists: For each predicted pixel, the boundary pixels within reach.
        boundary: True boundary. Shape [H, W].
        reach: Largest distance of a pair, in pixels.

    Returns:
        The costs plus 1, because a sparse array drops zeros. Shape [M, B + M].
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
    """The present rows that the lowest-cost matching pairs with a boundary pixel.

    Args:
        graph: Costs from `cost_graph`. Shape [M, B + M].
        present: Rows to match. Shape [P].
    """
    rows, columns = min_weight_full_bipartite_matching(graph[present])
    return present[rows[columns < graph.shape[1] - graph.shape[0]]]
