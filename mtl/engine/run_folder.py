"""A run's folder: one config, one process at a time, nothing overwritten."""

from pathlib import Path

import filelock


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


def tidy(folder: Path, *names: str) -> None:
    """Removes these files and what a killed process has left half-written; call it with the folder locked."""
    for path in [*folder.glob(".*.[0-9]*"), *[folder / name for name in names]]:
        path.unlink(missing_ok=True)


def set_aside(folder: Path) -> None:
    """Makes room for a new start; the old folder stays beside as `old-<name>-<k>`."""
    if folder.exists():
        taken = len(list(folder.parent.glob(f"old-{folder.name}-*")))
        folder.rename(folder.with_name(f"old-{folder.name}-{taken + 1}"))
