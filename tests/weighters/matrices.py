"""Task gradients [T, P] that every weighter must handle."""

import torch
from torch import Tensor


def gradient_cases() -> dict[str, Tensor]:
    """Rows by name, float64."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(4, 12, generator=generator, dtype=torch.float64)
    conflict = rows.clone()
    conflict[1] = -rows[0] + 0.1 * rows[1]
    colinear = rows[:1] * torch.tensor([[1.0], [2.0], [0.5], [3.0]]).double()
    zero = rows.clone()
    zero[2] = 0
    return {
        "well": rows,
        "badly": rows * torch.tensor([[1.0], [1e4], [1e-4], [10.0]]).double(),
        "conflict": conflict,
        "colinear": colinear,
        "zero": zero,
        "identical": rows[:1].repeat(4, 1),
        "opposed": torch.stack([rows[0], -rows[0], rows[1], -rows[1]]),
        "all zero": torch.zeros(4, 12, dtype=torch.float64),
        "tiny": rows * 1e-12,
        "huge": rows * 1e12,
        "next to nothing": rows * 1e-30,
        "nothing but 1e-30": zero.new_tensor([[0.0], [0.0], [1e-30], [0.0]]) * rows,
        "nothing but 1e-40": zero.new_tensor([[0.0], [0.0], [1e-40], [1e-40]]) * rows,
        "beyond float32": rows * 1e60,
        "nearly identical": rows[:1] + 1e-12 * rows,
    }
