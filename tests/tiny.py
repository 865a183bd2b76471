"""The smallest run that still goes through everything."""

import json
from pathlib import Path
from typing import Any

import pytest

from mtl import build

SIZE = [
    "experiment=demo",
    "dataset.height=32",
    "dataset.width=48",
    "dataset.train.scenes=2",
    "dataset.train.scans=4",
    "dataset.val.scenes=1",
    "dataset.val.scans=2",
    "dataset.render_workers=1",
    "recipe.batch_size=4",
    "recipe.steps=3",
    "logging.gradient_statistics.every=1",
    "device=cpu",
    "workers=0",
]


def tiny(folder: Path, *more: str) -> list[str]:
    """Overrides of the tiny run, with data and results below `folder`."""
    return [*SIZE, f"data={folder}/data", f"results={folder}/results", *more]


def train(words: list[str]) -> dict[str, Any]:
    """Trains in this process, as `python train.py` with these words does; gives the record."""
    from mtl.cli import train as command  # noqa: PLC0415  imports torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "command_line", lambda: words)
        command.train(cfg := build.compose(words))
    return json.loads((build.run_folder(cfg) / "record.json").read_text())
