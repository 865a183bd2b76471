"""The folder of a run: for one config, used by one process at a time, and never overwritten."""

import time
from collections.abc import Sequence
from pathlib import Path

import filelock

from mtl.files import NUMBER, hold, naming, read_json, warn
from mtl.run.interrupt import Interrupts

TIMES = ("step_seconds", "step_cpu_seconds")


class BeingTrainedError(ValueError):
    """Another process is training the run."""


def lock(folder: Path) -> filelock.BaseFileLock:
    """Locks the folder for this process until it ends, even if it is killed.

    Raises:
        BeingTrainedError: Another process holds the lock.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(_lock_file(folder), timeout=0.5)  # `is_held` takes it for a moment
    try:
        with naming(_lock_file(folder)):
            held.acquire()
    except filelock.Timeout as error:
        raise BeingTrainedError(f"{folder} is being trained elsewhere: wait for that process, or stop it") from error
    return held


def is_held(folder: Path) -> bool:
    """Whether a process is training the run."""
    if not _lock_file(folder).exists():
        return False
    try:
        with hold(_lock_file(folder), blocking=False):
            return False
    except filelock.Timeout:
        return True


def held(runs: Path, names: str, seed: int) -> list[Path]:
    """The runs that are being trained, of those whose name fits a pattern.

    Args:
        runs: Folder of all runs.
        names: The pattern.
        seed: Seed of the runs.
    """
    folders = [file.with_name(f"seed{seed}") for file in runs.glob(f"{names}/.seed{seed}.lock")]
    return [folder for folder in folders if is_held(folder)]


def wait_for(folders: Sequence[Path]) -> None:
    """Returns when no process is training any of the runs; SIGTERM and Ctrl-C end the process within a second."""
    with Interrupts() as interrupts:
        while any(map(is_held, folders)):
            time.sleep(1)
            interrupts.exit_if_received()


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def tidy(folder: Path) -> None:
    """Removes incomplete files left by a killed process; call it with the folder locked."""
    for path in folder.glob(".*.[0-9]*"):
        path.unlink(missing_ok=True)


def set_aside(folder: Path) -> None:
    """Renames the folder to `old-<name>-<k>`, so that the run can start again in an empty one."""
    if folder.exists():
        taken = len(list(folder.parent.glob(f"old-{folder.name}-*")))
        folder.rename(folder.with_name(f"old-{folder.name}-{taken + 1}"))


def earlier_times(folder: Path, device: str) -> dict[str, float]:
    """Step times of an earlier run of this config on the same device, now set aside; empty if there is none.

    They are needed because a run that records gradients at every step has no step to time.
    """
    for path in sorted(folder.parent.glob(f"old-{folder.name}-*/record.json"), reverse=True):
        try:
            record = read_json(path, {"environment": {"device": str}, **dict.fromkeys(TIMES, NUMBER)})
        except ValueError as error:
            warn(f"{error}: its step times are not used")
            continue
        if record["environment"]["device"] == device and record["step_seconds"] is not None:
            return {key: record[key] for key in TIMES}
    return {}
