"""Reproducible runs."""

import random

import numpy as np
import torch
from torch import Tensor


def seed_everything(seed: int) -> None:
    """Seeds every generator that initial weights, dropout and Python code draw from."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries draw from the global state
    torch.manual_seed(seed)


def random_state(device: torch.device) -> list[Tensor]:
    """State of the generators that training draws from: torch's, and the GPU's where there is one."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_state(state: list[Tensor], device: torch.device) -> None:
    """Restores the generators."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)
