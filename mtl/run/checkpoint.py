"""Checkpoints of a run: the newest one, and the previous one until the newest is completely written."""

import logging
import pickle
import struct
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from torch import nn

from mtl.files import write_whole
from mtl.run.identity import check_run, run_of
from mtl.run.seal import check, write_sealed

log = logging.getLogger(__name__)

BEST, LAST, PREVIOUS = "best.pt", "last.pt", "previous.pt"
KEPT = {"best": (BEST,), "last": (LAST,), "both": (BEST, LAST), "none": ()}  # checkpoints of a finished run
# Depending on where a file is corrupt, torch's reader raises any of these; all of them become a message with its path.
UNREADABLE = (
    *(RuntimeError, EOFError, OSError, ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(pickle.UnpicklingError, struct.error, BadZipFile),
)


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint for `load_checkpoint`, with the run of its folder and a checksum."""
    state = {**state, "run": run} if (run := run_of(path.parent)) else state
    write_whole(path, lambda file: write_sealed(file, lambda sealed: torch.save(state, sealed)))


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint without running any code that it may contain.

    Raises:
        ValueError: The file is corrupt, not a checkpoint, or of another run than its folder.
    """
    try:
        with open(path, "rb") as file:
            check(file)
            state = torch.load(file, map_location=device, weights_only=True)
    except UNREADABLE as error:
        if isinstance(error, FileNotFoundError):
            raise
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ValueError(f"{path} is corrupt or not a checkpoint ({reason})") from error
    if not isinstance(state, dict):
        raise ValueError(
            f"{path} is not a checkpoint: it holds a {type(state).__name__}, not a dict with the key model"
        )
    if isinstance(run := state.get("run"), dict):
        check_run(run, path)
    elif run_of(path.parent):
        log.warning("%s does not say of which run it is: an earlier version wrote it, or another program", path)
    return state


def load_weights(network: nn.Module, path: Path, misfit: str) -> None:
    """Loads the weights of a checkpoint into a network that will be used.

    Args:
        network: The network.
        path: The checkpoint.
        misfit: What to say after the path if it is of another network.

    Raises:
        ValueError: The checkpoint is corrupt, of another run or network, or has weights that are NaN or infinite.
    """
    try:
        network.load_state_dict(load_checkpoint(path)["model"])
    except (KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} {misfit} ({' '.join(str(error).split())[:200]})") from error
    for key, value in network.state_dict().items():
        if not value.isfinite().all():
            raise ValueError(f"{path}: {key} contains NaN or infinity; train the run again")


def save_last(state: dict[str, Any], folder: Path) -> None:
    """Writes the newest state of the run; at any moment the folder holds a complete state."""
    save_checkpoint(state, folder / f"next-{LAST}")
    if (folder / LAST).exists():
        (folder / LAST).replace(folder / PREVIOUS)
    (folder / f"next-{LAST}").replace(folder / LAST)


def keep_weights(folder: Path, keep: str) -> None:
    """Deletes what a finished run does not keep; the last checkpoint loses the optimizer state, twice as large.

    Args:
        folder: The run folder.
        keep: A word of `KEPT`.
    """
    for name in {PREVIOUS, BEST, LAST} - set(KEPT[keep]):  # first, to make room on a full disk
        (folder / name).unlink(missing_ok=True)
    if LAST in KEPT[keep]:
        save_checkpoint({"model": load_checkpoint(folder / LAST)["model"]}, folder / LAST)


def load_last(folder: Path) -> dict[str, Any] | None:
    """The newest readable state, or None if there is none yet; logs a warning if it has to fall back.

    Raises:
        ValueError: There are states, but all are corrupt.
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
        raise ValueError(f"{'; '.join(damaged)}: train from the start with force=true")
    return None
