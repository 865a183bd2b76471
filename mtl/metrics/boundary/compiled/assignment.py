"""Lowest-cost one-to-one matching of predicted and true boundary pixels, updated as pixels are added and removed.

With several annotators it matters which pixels are matched, not only how many: a predicted pixel counts as matched if
it is matched to the boundary of any annotator. The pairs must therefore be those of the protocol, which takes the
matching of lowest total cost. A pair costs its distance, and an unmatched pixel costs 100 times the tolerance d.

    cost of    b0     b1    alone                     a predicted pixel takes a true pixel within reach or
    p0         1.0    2.2    200 d                    stays alone; that leaves a true pixel alone as well,
    p1         0.0     -     200 d                    so it costs twice 100 d

Distances are whole hundredths of a pixel, so many matchings cost the same. Of these the protocol leaves open which one
counts; here it is the one with the lowest sum of a fixed pseudo-random number per pair.

Every pixel has a price, such that no pair costs less than its two prices together and every matched pair costs exactly
that. Prices prove that the matching is a cheapest one, and they stay valid when pixels enter or leave, so each entering
or leaving pixel needs only one search for a shortest alternating path.

Jonker and Volgenant, A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems, Computing
1987. https://doi.org/10.1007/BF02278710.
"""

from typing import NamedTuple

import numpy as np

from mtl.metrics.boundary.compiled.candidates import Graph
from mtl.metrics.boundary.compiled.kernel import kernel
from mtl.metrics.boundary.compiled.thinning import Steps

ALONE = 100  # cost of an unmatched pixel, in tolerances
UNITS = 100  # per pixel of distance: the costs of the protocol are integers
TIE = 1 << 20  # per unit of cost; what decides between equal costs is smaller
FREE, ABSENT = -1, -3
FAR = np.int64(1 << 60)


class Side(NamedTuple):
    """One of the two point sets, predicted or boundary pixels.

    Attributes:
        starts: Where the list of each pixel starts, as in `Graph`. Shape [N + 1].
        others: Pixels of the other set that may be paired with it. Shape [E].
        costs: Cost of each of these pairs. Shape [E].
        partner: Its partner, FREE or ABSENT. Shape [N].
        price: Its price. Shape [N].
        distance: Shortest distance from the start of the current search, or FAR. Shape [N].
        via: Predecessor of the other set on the shortest path. Shape [N].
        reached: Room for the pixels whose distance is not FAR. Shape [N].
        settled: Room for those whose distance is final. Shape [N].
    """

    starts: np.ndarray
    others: np.ndarray
    costs: np.ndarray
    partner: np.ndarray
    price: np.ndarray
    distance: np.ndarray
    via: np.ndarray
    reached: np.ndarray
    settled: np.ndarray


class Heap(NamedTuple):
    """Binary heap of the pixels that a search has reached and not settled, nearest first.

    Attributes:
        keys: Distance of each entry. Shape [E].
        pixels: Its pixel. Shape [E].
        size: Number of entries. Shape [1].
    """

    keys: np.ndarray
    pixels: np.ndarray
    size: np.ndarray


def pair_costs(graph: Graph, pixels: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """Costs of the pairs of a graph, int64. Shape [E].

    Args:
        graph: Which pixels may be paired.
        pixels: Flat positions of the predicted pixels. Shape [N].
        boundary: True boundary. Shape [H, W].
    """
    left = np.repeat(pixels, np.diff(graph.starts))
    right = np.flatnonzero(boundary)[graph.numbers]
    (y, x), (true_y, true_x) = np.divmod(left, boundary.shape[1]), np.divmod(right, boundary.shape[1])
    mixed = left.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ right.astype(np.uint64)  # of SplitMix64
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    hundredths = np.rint(UNITS * np.hypot(y - true_y, x - true_x)).astype(np.int64)
    return hundredths * TIE + (mixed >> np.uint64(44)).astype(np.int64)


def cost_alone(reach: float) -> int:
    """Cost of a pair of pixels that are left alone, in the unit of `pair_costs`.

    Args:
        reach: Largest distance of a pair, in pixels.
    """
    return round(2 * ALONE * UNITS * max(reach, 1)) * TIE


def cheapest(graph: Graph, steps: Steps, costs: np.ndarray, alone: int) -> np.ndarray:
    """Which pixels of each map the lowest-cost matching pairs with a boundary pixel, bool. Shape [K, N].

    Args:
        graph: Which pixels may be paired.
        steps: The pixels that leave and enter, from the last map to the first.
        costs: From `pair_costs`. Shape [E].
        alone: From `cost_alone`.
    """
    by_boundary = np.argsort(graph.numbers, kind="stable")  # the suitors of a boundary pixel are in ascending order
    predicted = _side(graph.starts, graph.numbers, costs, ABSENT)
    true = _side(graph.back, graph.suitors, costs[by_boundary], FREE)
    heap = Heap(np.empty(len(costs) + 1, np.int64), np.empty(len(costs) + 1, np.int32), np.zeros(1, np.int64))
    return _paired(predicted, true, steps, np.int64(alone), heap)


def _side(starts: np.ndarray, others: np.ndarray, costs: np.ndarray, partner: int) -> Side:
    size = len(starts) - 1
    return Side(
        *(starts, others, costs, np.full(size, partner, np.int32), np.zeros(size, np.int64)),
        *(np.full(size, FAR), *np.empty((3, size), np.int32)),
    )


@kernel
def _paired(predicted, true, steps, alone, heap):
    num_maps = len(steps.ends) - 1
    paired = np.zeros((num_maps, len(predicted.partner)), np.bool_)
    for k in range(num_maps - 1, -1, -1):
        for pixel in steps.order[steps.ends[k, 0] : steps.ends[k, 1]]:
            boundary = predicted.partner[pixel]
            predicted.partner[pixel] = ABSENT
            if boundary != FREE:
                true.partner[boundary] = FREE
                _match(boundary, true, predicted, np.int64(0), heap)
        for pixel in steps.order[steps.ends[k, 1] : steps.ends[k + 1, 0]]:
            predicted.partner[pixel] = FREE
            _match(pixel, predicted, true, alone, heap)
        paired[k] = predicted.partner >= 0
    return paired


@kernel
def _match(start, mine, other, alone, heap):
    """Match a pixel of one set, or leave it alone, along the cheapest alternating path; then adapt the prices.

    The path ends at an unmatched pixel of the other set, or at a pixel of the same set that stays alone instead.

    Args:
        start: The pixel, which has no partner.
        mine: Its set.
        other: The other set.
        alone: Cost of a pixel of its set that stays alone.
        heap: Room for the search.
    """
    best, end, left_alone = alone, -1, True  # so far: the pixel itself stays alone
    heap.size[0] = 0
    num_reached = num_settled = 0
    pixel, distance, price = np.int64(start), np.int64(0), np.int64(0)
    while True:
        for edge in range(mine.starts[pixel], mine.starts[pixel + 1]):
            next_ = np.int64(mine.others[edge])
            if other.partner[next_] == ABSENT or mine.partner[pixel] == next_:
                continue
            longer = distance + mine.costs[edge] - price - other.price[next_]
            if longer < min(other.distance[next_], best):
                if other.distance[next_] == FAR:
                    other.reached[num_reached] = next_
                    num_reached += 1
                other.distance[next_], other.via[next_] = longer, pixel
                if other.partner[next_] == FREE:
                    best, end, left_alone = longer, next_, False
                else:
                    _push(heap, longer, next_)
        while heap.size[0] and heap.keys[0] != other.distance[heap.pixels[0]]:  # a shorter path was found since
            _pop(heap)
        if heap.size[0] == 0 or heap.keys[0] >= best:
            break
        distance, nearest = heap.keys[0], np.int64(heap.pixels[0])
        _pop(heap)
        other.settled[num_settled] = nearest
        num_settled += 1
        pixel = np.int64(other.partner[nearest])
        price = mine.price[pixel]
        if distance + alone - price < best:
            best, end, left_alone = distance + alone - price, nearest, True
    mine.price[start] = best
    _adapt(mine, other, best, num_settled, num_reached)
    if end >= 0:
        _flip(start, end, left_alone, mine, other)


@kernel
def _adapt(mine, other, best, num_settled, num_reached):
    """Move the prices of settled pixels and their partners, as their path is shorter; then forget the distances."""
    for index in range(num_settled):
        passed = other.settled[index]
        short = min(other.distance[passed] - best, 0)
        other.price[passed] += short
        mine.price[other.partner[passed]] -= short
    for index in range(num_reached):
        other.distance[other.reached[index]] = FAR


@kernel
def _flip(start, end, left_alone, mine, other):
    """Exchange matched and unmatched pairs along the path that leads from `start` to `end`."""
    if left_alone:
        mine.partner[other.partner[end]] = FREE
    while True:
        pixel = other.via[end]
        previous = mine.partner[pixel]
        other.partner[end], mine.partner[pixel] = pixel, end
        if pixel == start:
            return
        end = previous


@kernel
def _push(heap, key, pixel):
    place = heap.size[0]
    heap.size[0] += 1
    while place > 0:
        parent = (place - 1) // 2
        if heap.keys[parent] <= key:
            break
        heap.keys[place], heap.pixels[place] = heap.keys[parent], heap.pixels[parent]
        place = parent
    heap.keys[place], heap.pixels[place] = key, pixel


@kernel
def _pop(heap):
    """Remove the nearest entry: the last one sinks from its place."""
    heap.size[0] -= 1
    size, place, child = heap.size[0], 0, 1
    key, pixel = heap.keys[size], heap.pixels[size]
    while child < size:
        if child + 1 < size and heap.keys[child + 1] < heap.keys[child]:
            child += 1
        if heap.keys[child] >= key:
            break
        heap.keys[place], heap.pixels[place] = heap.keys[child], heap.pixels[child]
        place, child = child, 2 * child + 1
    heap.keys[place], heap.pixels[place] = key, pixel
