"""Saved states of a run: the newest one, and the one before until the newest is known to be whole."""

import logging
import pickle
import struct
from pathlib import Path
from typing import Any

import torch

from mtl.files import write_whole

log = logging.getLogger(__name__)

LAST, PREVIOUS = "last.pt", "previous.pt"
# A damaged file leads torch's reader astray wherever it is damaged; whatever the reader meets there, the file is named.
UNREADABLE = (
    *(RuntimeError, EOFError, OSError, ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(pickle.UnpicklingError, struct.error),
)


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint that `load_checkpoint` reads."""
    write_whole(path, lambda file: torch.save(state, file))


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint without running any code it may hold.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except UNREADABLE as error:
        if isinstance(error, FileNotFoundError):
            raise
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ValueError(f"{path} is damaged or no checkpoint ({reason})") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} is no checkpoint: it holds a {type(state).__name__}, not a dict with the key model")
    return state


def save_last(state: dict[str, Any], folder: Path) -> None:
    """Makes this the newest state of the run; at any moment one whole state is in its place."""
    save_checkpoint(state, folder / f"next-{LAST}")
    if (folder / LAST).exists():
        (folder / LAST).replace(folder / PREVIOUS)
    (folder / f"next-{LAST}").replace(folder / LAST)


def keep_weights(folder: Path) -> None:
    """Leaves of a finished run's last state the network alone: the optimizer holds twice as much."""
    (folder / PREVIOUS).unlink(missing_ok=True)  # makes room on a full disk, too
    save_checkpoint({"model": load_checkpoint(folder / LAST)["model"]}, folder / LAST)


def load_last(folder: Path) -> dict[str, Any] | None:
    """The newest state that is whole, None if there is none yet; says so where it has to fall back.

    Raises:
        ValueError: There are states, but all are damaged.
    """
    paths = [folder / name for name in (LAST, PREVIOUS) if (folder / name).exists()]
    damaged = []
    for path in paths:
        try:
            return load_checkpoint(path)
        except ValueError as error:
            damaged.append(str(error))
            log.warning("%s; trying the one before", error)
    if damaged:
        raise ValueError(f"{'; '.join(damaged)}: start anew with force=true")
    return None
