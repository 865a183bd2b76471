"""Boundary scoring: suppression, thinning, matching, the four counts they lead to, and the scores of these."""

from mtl.metrics.boundary.counts import boundary_counts
from mtl.metrics.boundary.protocol import Protocol

__all__ = ["Protocol", "boundary_counts"]
