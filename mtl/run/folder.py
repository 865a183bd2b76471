"""A run's folder: one config, one process at a time, nothing overwritten."""

from pathlib import Path

import filelock

from mtl.files import read_json

TIMES = ("step_seconds", "step_cpu_seconds")


def lock(folder: Path) -> filelock.BaseFileLock:
    """Takes the folder for this process until it ends, however it ends.

    Raises:
        ValueError: Another process has it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(folder.with_name(f".{folder.name}.lock"), blocking=False)
    try:
        held.acquire()
    except filelock.Timeout as error:
        raise ValueError(f"{folder} is in use: another process trains this run, wait for it or stop it") from error
    return held


def tidy(folder: Path) -> None:
    """Removes what a killed process has left half-written; call it with the folder locked."""
    for path in folder.glob(".*.[0-9]*"):
        path.unlink(missing_ok=True)


def set_aside(folder: Path) -> None:
    """Makes room for a new start; the old folder stays beside as `old-<name>-<k>`."""
    if folder.exists():
        taken = len(list(folder.parent.glob(f"old-{folder.name}-*")))
        folder.rename(folder.with_name(f"old-{folder.name}-{taken + 1}"))


def earlier_times(folder: Path, device: str) -> dict[str, float]:
    """Step times of an earlier run of this config on the same device, set aside since; empty where there is none.

    A run that notes gradients at every step has no step to time.
    """
    for path in sorted(folder.parent.glob(f"old-{folder.name}-*/record.json"), reverse=True):
        record = read_json(path)
        if record["environment"]["device"] == device and record["step_seconds"] is not None:
            return {key: record[key] for key in TIMES}
    return {}
