"""The steps of boundary scoring, compiled to machine code by numba.

Import this package only where edges are scored: it loads numba. Its first use on a machine compiles for some seconds;
the result is stored next to the source, or in the user's cache folder if that is read-only.
"""

from mtl.metrics.boundary.compiled.assignment import cheapest, cost_alone, pair_costs
from mtl.metrics.boundary.compiled.candidates import Graph, candidates
from mtl.metrics.boundary.compiled.matching import largest
from mtl.metrics.boundary.compiled.nms import suppress
from mtl.metrics.boundary.compiled.thinning import Steps, steps, thin, thin_map, unpack

__all__ = [
    "Graph",
    "Steps",
    "candidates",
    "cheapest",
    "cost_alone",
    "largest",
    "pair_costs",
    "steps",
    "suppress",
    "thin",
    "thin_map",
    "unpack",
]
