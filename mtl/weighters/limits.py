"""Limits of numbers in annotations, as of the package annotated_types, which the core of this package does not need.

`mtl.build` checks a config against them before a run.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ge:
    """At least `ge`."""

    ge: float


@dataclass(frozen=True)
class Gt:
    """Above `gt`."""

    gt: float


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Between limits; None: no limit."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
