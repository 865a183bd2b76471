"""Input of every solver: norms and cosines of the task gradients that have not vanished."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mtl.weighters.base import SHORTEST, ZERO

EPS = float(np.finfo(np.float64).eps)
CANCELLED = 1e-6  # unit gradients cancel if a combination is this short; a Gramian cannot resolve lengths below 1e-7


class NotSolvedError(ArithmeticError):
    """The problem has no finite solution, or float64 cannot distinguish it from rounding."""


class Problem(NamedTuple):
    """Norms and cosines of K task gradients, apart so that unequal norms lose no precision. NumPy float64 arrays."""

    counted: np.ndarray  # [T] bool: the K tasks that have a gradient
    norms: np.ndarray  # [K]
    cosines: np.ndarray  # [K, K], diagonal 1

    @classmethod
    def of(cls, gramian: Tensor, active: Tensor | None) -> "Problem":
        """Copies the Gramian to the CPU, without inactive tasks and vanished gradients.

        Args:
            gramian: Inner products of the task gradients. Shape [T, T].
            active: Tasks that take part; None means all. Shape [T], bool.
        """
        if active is not None:
            gramian = torch.where(active.outer(active), gramian, 0.0)
        products = gramian.detach().double().cpu().numpy()
        norms = np.sqrt(products.diagonal())
        counted = norms > max(ZERO * norms.max(), SHORTEST)
        norms = norms[counted]
        cosines = products[counted][:, counted] / norms / norms[:, None]
        cosines = 0.5 * (cosines + cosines.T)
        np.fill_diagonal(cosines, 1.0)
        return cls(counted, norms, cosines)

    def even(self, weights: np.ndarray, norms: np.ndarray) -> np.ndarray:
        """Averages the weights of gradients that are equal up to rounding, which does not change the update.

        Args:
            weights: Result of a solver. Shape [K].
            norms: Norms of the gradients given to the solver. Shape [K].
        """
        tolerance = 16 * EPS
        same = np.abs(self.cosines[:, None] - self.cosines).max(2) <= tolerance  # [K, K]
        same &= np.abs(norms[:, None] - norms) <= tolerance * norms
        return same @ weights / same.sum(1)

    def spread(self, values: np.ndarray, others: float, like: Tensor) -> Tensor:
        """Values [K] as a tensor [T] of the dtype and on the device of `like`, with `others` for the tasks left out."""
        result = np.full(len(self.counted), others)
        result[self.counted] = values
        return torch.from_numpy(result).to(like)
