"""Boundary scoring: suppression, thinning, matching and the four counts they lead to."""

from mtl.metrics.boundary.counts import boundary_counts

__all__ = ["boundary_counts"]
