"""Boundary scoring: suppression, thinning and matching, the resulting four counts, and the scores."""

from mtl.metrics.boundary.counts import boundary_counts
from mtl.metrics.boundary.protocol import Protocol

__all__ = ["Protocol", "boundary_counts"]
