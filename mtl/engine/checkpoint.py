"""Files that are whole or not there."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint that `torch.load(path, weights_only=True)` reads."""
    _write(path, lambda file: torch.save(state, file))


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint without running any code it may hold."""
    return torch.load(path, map_location=device, weights_only=True)


def save_json(value: Any, path: Path) -> None:
    """Writes a JSON file."""
    text = json.dumps(value, indent=2) + "\n"
    _write(path, lambda file: file.write(text.encode()))


def _write(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Writes beside the target, then renames: a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
