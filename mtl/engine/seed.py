"""Reproducible runs."""

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seeds every generator that initial weights, dropout and Python code draw from."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries draw from the global state
    torch.manual_seed(seed)
