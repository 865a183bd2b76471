"""Saved states of a run."""

from pathlib import Path
from typing import Any

import torch

from mtl.files import write_whole


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint that `load_checkpoint` reads; the old one stays until the new one is whole."""
    write_whole(path, lambda file: torch.save(state, file))


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint without running any code it may hold."""
    return torch.load(path, map_location=device, weights_only=True)
