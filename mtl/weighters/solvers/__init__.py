from mtl.weighters.solvers.conflict_averse import conflict_averse
from mtl.weighters.solvers.fair import fair
from mtl.weighters.solvers.min_norm import min_norm
from mtl.weighters.solvers.problem import NotSolvedError, Problem

__all__ = ["NotSolvedError", "Problem", "conflict_averse", "fair", "min_norm"]
