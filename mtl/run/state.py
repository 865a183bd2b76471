"""The state of a run, random generators included, so that a resumed run gives the same numbers."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl.run.checkpoint import load_last, save_last

LATER = ("clock",)  # missing in checkpoints of earlier versions


def seed_everything(seed: int) -> None:
    """Seeds every generator that initial weights, dropout and Python code draw from."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries draw from the global state
    torch.manual_seed(seed)


def random_state(device: torch.device) -> list[Tensor]:
    """State of torch's generators: that of the CPU, and that of the device if it is a GPU."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_state(state: list[Tensor], device: torch.device) -> None:
    """Restores what `random_state` returned."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)


class RunState:
    """Everything the next step depends on: the state of the run's parts and of the random generators.

    Args:
        parts: Objects with `state_dict` and `load_state_dict`, by their key in the checkpoint.
        folder: The run folder.
        device: Device whose generator is part of the state.
    """

    def __init__(self, parts: Mapping[str, Any], folder: Path, device: torch.device) -> None:
        self.parts, self.folder, self.device = parts, folder, device

    def save(self) -> None:
        """Writes the state as the newest checkpoint of the run."""
        generators = random_state(self.device)
        save_last({key: part.state_dict() for key, part in self.parts.items()} | {"random": generators}, self.folder)

    def restore(self) -> bool:
        """Restores the newest state in the run folder; False if there is none.

        Raises:
            ValueError: The checkpoint does not fit the parts.
        """
        if (state := load_last(self.folder)) is None:
            return False
        try:
            for key, part in self.parts.items():
                if key in LATER and key not in state:
                    continue
                part.load_state_dict(state[key])
            set_random_state(state["random"], self.device)
        except (LookupError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"{self.folder}: the checkpoint does not fit this model; force=true trains from the start ({reason})"
            ) from error
        return True
