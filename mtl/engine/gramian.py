"""Inner products of long vectors in float32, exact enough to tell nearly parallel gradients apart.

A float32 sum over ten million numbers can be wrong in the third digit. Summed in pieces, which are then added up in
float64, the same products are right to about six, at no cost.
"""

import torch
from torch import Tensor

PIECE = 2**16


def gramian(rows: Tensor) -> Tensor:
    """Inner products of rows [T, P]. Shape [T, T], float64."""
    whole = rows.shape[1] // PIECE * PIECE
    body, rest = rows[:, :whole].unflatten(1, (-1, PIECE)).transpose(0, 1), rows[:, whole:]  # [N, T, PIECE], [T, R]
    return (body @ body.mT).double().sum(0) + (rest @ rest.T).double()


def inner(left: Tensor, right: Tensor) -> Tensor:
    """Inner product of two tensors of one shape. Scalar, float64."""
    left, right = left.flatten(), right.flatten()
    whole = len(left) // PIECE * PIECE
    body = left[:whole].view(-1, 1, PIECE) @ right[:whole].view(-1, PIECE, 1)
    return body.double().sum() + torch.dot(left[whole:], right[whole:]).double()
