"""Maximum one-to-one matching between two point sets, updated as points are added and removed.

Berge, Two Theorems in Graph Theory, PNAS 1957. https://doi.org/10.1073/pnas.43.9.842: a matching is largest if no
alternating path leads from an unmatched point to an unmatched point of the other set.

An added pixel takes a free boundary pixel if one is within reach. Otherwise a search looks for an alternating path
to a free one; along the path, each owner moves on to its next boundary pixel:

    added ... b1 === owner1 ... b2 === owner2 ... b3 (free)      === paired now, ... may be paired
    added === b1 ... owner1 === b2 ... owner2 === b3             one pair more

If the search fails, the boundary pixels it visited are marked dead: from them, every path stays among themselves,
and none of them is free. Later searches skip them, so the cost of a failed search is paid once.

Dead pixels revive only when the owner of one is removed. A search then runs backwards from the freed pixel through
the dead ones. Either it finds an unmatched pixel, which gets the freed one. Or no unmatched pixel can reach the
freed one through the pixels it visited, and these are unmarked.

After every step no alternating path leads from an unmatched pixel to a free boundary pixel, so the matching is the
largest possible.
"""

from typing import NamedTuple

import numpy as np

from mtl.metrics.boundary.compiled.candidates import Graph
from mtl.metrics.boundary.compiled.kernel import kernel
from mtl.metrics.boundary.compiled.thinning import Steps

FREE, AWAITED, ABSENT = -1, -2, -3
DEAD = np.int32(1 << 30)


class Matching(NamedTuple):
    """Who is paired with whom, and the marks of the searches.

    Attributes:
        choice: Boundary pixel of each predicted pixel, FREE or ABSENT. Shape [N].
        owner: Predicted pixel of each boundary pixel, FREE, or AWAITED if freed while dead. Shape [B].
        stamp: Last search that visited each boundary pixel, or DEAD. Shape [B].
        via: Its predecessor in that search. Shape [B].
        queue: Room for the pixels of a search. Shape [B + 1].
    """

    choice: np.ndarray
    owner: np.ndarray
    stamp: np.ndarray
    via: np.ndarray
    queue: np.ndarray


def largest(graph: Graph, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """Size of the largest matching, and number of pixels, of every map. Shapes [K].

    Args:
        graph: Which pixels may be paired.
        steps: The pixels that leave and enter, from the last map to the first.
    """
    num_pixels, num_boundary = len(graph.starts) - 1, len(graph.back) - 1
    matching = Matching(
        np.full(num_pixels, ABSENT, np.int32),
        np.full(num_boundary, FREE, np.int32),
        np.zeros(num_boundary, np.int32),
        np.zeros(num_boundary, np.int32),
        np.empty(num_boundary + 1, np.int32),
    )
    changes = np.diff(steps.ends.ravel()[:-1]).reshape(-1, 2)  # how many leave, and how many enter
    present = (changes[:, 1] - changes[:, 0])[::-1].cumsum()[::-1]
    return _sizes(graph, steps, matching), present


@kernel
def _sizes(graph, steps, matching):
    sizes = np.zeros(len(steps.ends) - 1, np.int64)
    awaited = np.empty(len(matching.owner), np.int32)
    size, search = 0, np.int32(0)
    for k in range(len(sizes) - 1, -1, -1):
        waiting = 0
        for pixel in steps.order[steps.ends[k, 0] : steps.ends[k, 1]]:
            boundary = matching.choice[pixel]
            matching.choice[pixel] = ABSENT
            if boundary != FREE:
                size -= 1
                if matching.stamp[boundary] == DEAD:
                    matching.owner[boundary] = AWAITED
                    awaited[waiting] = boundary
                    waiting += 1
                else:
                    matching.owner[boundary] = FREE
        for pixel in steps.order[steps.ends[k, 1] : steps.ends[k + 1, 0]]:
            search += np.int32(1)
            matching.choice[pixel] = FREE
            size += (
                _take(graph, matching, pixel, FREE)
                or _augment(graph, matching, pixel, search)
                or _take(graph, matching, pixel, AWAITED)
            )
        for boundary in awaited[:waiting]:
            size += matching.owner[boundary] == AWAITED and _revive(graph, matching, boundary)
        sizes[k] = size
    return sizes


@kernel
def _take(graph, matching, pixel, state):
    """Pair the pixel with a boundary pixel in the given state, if one is within reach."""
    for boundary in graph.numbers[graph.starts[pixel] : graph.starts[pixel + 1]]:
        if matching.owner[boundary] == state:
            matching.owner[boundary], matching.choice[pixel] = pixel, boundary
            return True
    return False


@kernel
def _augment(graph, matching, pixel, search):
    """Breadth-first search for an alternating path from an unmatched pixel to a free boundary pixel."""
    owner, stamp, via, queue = matching[1:]
    head, tail = 0, 0
    left = pixel
    while True:
        for boundary in graph.numbers[graph.starts[left] : graph.starts[left + 1]]:
            if stamp[boundary] < search:
                stamp[boundary], via[boundary] = search, left
                if owner[boundary] == FREE:
                    _shift(matching, pixel, boundary)
                    return True
                queue[tail] = boundary
                tail += 1
        if head == tail:
            stamp[queue[:tail]] = DEAD
            return False
        left = owner[queue[head]]
        head += 1


@kernel
def _shift(matching, pixel, boundary):
    """Flip the path from an unmatched pixel to a free boundary pixel, from its free end."""
    while True:
        left = matching.via[boundary]
        previous = matching.choice[left]
        matching.choice[left], matching.owner[boundary] = boundary, left
        if left == pixel:
            return
        boundary = previous


@kernel
def _revive(graph, matching, freed):
    """Give a freed dead pixel to an unmatched pixel that can reach it, or unmark the dead ones that lead to it."""
    choice, owner, stamp, via, queue = matching
    queue[0], stamp[freed] = freed, 0
    head, tail = 0, 1
    while head < tail:
        boundary = queue[head]
        head += 1
        for left in graph.suitors[graph.back[boundary] : graph.back[boundary + 1]]:
            current = choice[left]
            if current == FREE:
                _hand_back(matching, left, boundary, freed)
                stamp[queue[:tail]] = DEAD
                return True
            if current >= 0 and stamp[current] == DEAD:
                stamp[current], via[current] = 0, boundary
                queue[tail] = current
                tail += 1
    owner[freed] = FREE
    return False


@kernel
def _hand_back(matching, left, boundary, freed):
    """Flip the path from an unmatched pixel to the freed boundary pixel, from its unmatched end."""
    while True:
        previous = matching.owner[boundary]
        matching.choice[left], matching.owner[boundary] = boundary, left
        if boundary == freed:
            return
        left, boundary = previous, matching.via[boundary]
