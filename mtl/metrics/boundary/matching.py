"""Maximum one-to-one matching between two point sets, updated as points are added and removed.

Berge, Two Theorems in Graph Theory, PNAS 1957. https://doi.org/10.1073/pnas.43.9.842: a matching is largest if no
alternating path leads from an unmatched point to an unmatched point of the other set.
"""

from collections.abc import Iterable

FREE, AWAITED, ABSENT = -1, -2, -3
DEAD = 1 << 62


class Matching:
    """Maximum matching of predicted and boundary pixels while predicted pixels are added and removed.

    An added pixel takes a free boundary pixel if one is within reach. Otherwise a search looks for an alternating path
    to a free one; along the path, each owner moves on to its next boundary pixel:

        added ... b1 === owner1 ... b2 === owner2 ... b3 (free)      === paired now, ... may be paired
        added === b1 ... owner1 === b2 ... owner2 === b3             one pair more

    If the search fails, the boundary pixels it visited are marked dead: from them, every path stays among themselves,
    and none of them is free. Later searches skip them, so the cost of a failed search is paid once.

    Dead pixels revive only when the owner of one is removed. A search then runs backwards from the freed pixel through
    the dead ones. Either it finds an unmatched pixel, which gets the freed one. Or no unmatched pixel can reach the
    freed one through the pixels it visited, and these are unmarked.

    Between two calls of `step` no alternating path leads from an unmatched pixel to a free boundary pixel, so
    `size` is the largest possible.
    """

    def __init__(self, candidates: list[list[int]], num_boundary: int):
        """Start with no predicted pixel present.

        Args:
            candidates: For each predicted pixel, the boundary pixels it may be paired with.
            num_boundary: Number of boundary pixels.
        """
        self.candidates = candidates
        self.suitors = _transpose(candidates, num_boundary)
        self.size = 0
        self._choice = [ABSENT] * len(candidates)  # boundary pixel of each predicted pixel
        self._owner = [FREE] * num_boundary  # predicted pixel of each boundary pixel
        self._stamp = [0] * num_boundary  # last search that visited it, or DEAD
        self._via = [FREE] * num_boundary  # its predecessor in that search
        self._search = 0

    def step(self, removed: Iterable[int], added: Iterable[int]) -> int:
        """Remove and add predicted pixels; return the size of the largest matching."""
        awaited = [boundary for boundary in map(self._remove, removed) if boundary != FREE]
        for pixel in added:
            self._add(pixel)
        for boundary in awaited:
            if self._owner[boundary] == AWAITED:
                self._revive(boundary)
        return self.size

    def _remove(self, pixel: int) -> int:
        """Remove a predicted pixel; return its boundary pixel if that was dead, else FREE."""
        boundary, self._choice[pixel] = self._choice[pixel], ABSENT
        if boundary == FREE:
            return FREE
        self.size -= 1
        if self._stamp[boundary] != DEAD:
            self._owner[boundary] = FREE
            return FREE
        self._owner[boundary] = AWAITED
        return boundary

    def _add(self, pixel: int) -> None:
        owner, candidates = self._owner, self.candidates[pixel]
        for boundary in candidates:
            if owner[boundary] == FREE:
                owner[boundary] = pixel
                self._choice[pixel] = boundary
                self.size += 1
                return
        self._choice[pixel] = FREE
        if self._augment(pixel):
            return
        for boundary in candidates:
            if owner[boundary] == AWAITED:
                owner[boundary] = pixel
                self._choice[pixel] = boundary
                self.size += 1
                return

    def _augment(self, pixel: int) -> bool:
        """Breadth-first search for an alternating path from an unmatched pixel to a free boundary pixel."""
        owner, stamp, via, candidates = self._owner, self._stamp, self._via, self.candidates
        self._search += 1
        now = self._search
        queue, seen = [pixel], []
        for left in queue:
            for boundary in candidates[left]:
                if stamp[boundary] < now:
                    stamp[boundary] = now
                    via[boundary] = left
                    if owner[boundary] == FREE:
                        self._shift(pixel, boundary)
                        return True
                    queue.append(owner[boundary])
                    seen.append(boundary)
        for boundary in seen:
            stamp[boundary] = DEAD
        return False

    def _shift(self, pixel: int, boundary: int) -> None:
        """Flip the path from an unmatched pixel to a free boundary pixel, from its free end."""
        self.size += 1
        while True:
            left = self._via[boundary]
            previous = self._choice[left]
            self._choice[left], self._owner[boundary] = boundary, left
            if left == pixel:
                return
            boundary = previous

    def _revive(self, freed: int) -> None:
        """Give a freed dead pixel to an unmatched pixel that can reach it, or unmark the dead ones that lead to it."""
        owner, choice, stamp, via = self._owner, self._choice, self._stamp, self._via
        queue = [freed]
        stamp[freed] = 0
        for boundary in queue:
            for left in self.suitors[boundary]:
                current = choice[left]
                if current == FREE:
                    self._hand_back(left, boundary, freed)
                    for seen in queue:
                        stamp[seen] = DEAD
                    return
                if current >= 0 and stamp[current] == DEAD:
                    stamp[current] = 0
                    via[current] = boundary
                    queue.append(current)
        owner[freed] = FREE

    def _hand_back(self, left: int, boundary: int, freed: int) -> None:
        """Flip the path from an unmatched pixel to the freed boundary pixel, from its unmatched end."""
        self.size += 1
        while True:
            previous = self._owner[boundary]
            self._choice[left], self._owner[boundary] = boundary, left
            if boundary == freed:
                return
            left, boundary = previous, self._via[boundary]


def _transpose(candidates: list[list[int]], num_boundary: int) -> list[list[int]]:
    suitors: list[list[int]] = [[] for _ in range(num_boundary)]
    for pixel, row in enumerate(candidates):
        for boundary in row:
            suitors[boundary].append(pixel)
    return suitors
