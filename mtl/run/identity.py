"""Which run a folder or a checkpoint belongs to: the hash of its config, and its seed."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl.files import read_json


def digest(config: Mapping[str, Any]) -> str:
    """Hash of the part of the config that affects the result, at the end of the folder's name. 8 digits."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, allow_nan=False).encode()).hexdigest()[:8]


def run_of(folder: Path) -> dict[str, str]:
    """Hash and seed of the run in a folder; without those that its science.json and its name do not tell."""
    science, seed = folder / "science.json", re.fullmatch(r"seed(\d+)", folder.name)
    known = {"hash": digest(read_json(science))} if science.exists() else {}
    return known | ({"seed": seed[1]} if seed else {})


def check_run(found: Mapping[str, str], path: Path) -> None:
    """Refuses a checkpoint that belongs to another run than its folder.

    Args:
        found: What `run_of` returned when it was written.
        path: Its file.

    Raises:
        ValueError: It does.
    """
    for key, value in run_of(path.parent).items():
        if found.get(key, value) != value:
            raise ValueError(f"{path} is of another run: it has {key} {found[key]}, and the folder {key} {value}")
