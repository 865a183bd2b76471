"""Builds the objects of a run from its composed config, in this order: config -> data -> model -> trainer.

Apart from `mtl.cli` and `mtl.experiment`, this is the only code that uses Hydra.
"""

from importlib import import_module
from typing import Any

PARTS = {
    "config": (
        "CONFIGS",
        "INCIDENTAL",
        "applied",
        "as_dict",
        "compose",
        "composed",
        "data_key",
        "needs_singles",
        "run_folder",
        "science",
        "starts_from_singles",
        "subset",
        "watches",
    ),
    "data": ("build_dataset", "share_of_batch"),
    "model": ("build_alignment", "build_model", "build_tasks", "build_weighter", "rebuild", "single_task_networks"),
    "trainer": ("build_evaluator", "build_trainer"),
    "validate": ("closest",),
    "workers": ("settle",),
}


def __getattr__(name: str) -> Any:
    """Imports a name at its first use, so that composing a config does not import torch."""
    for part, names in PARTS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{part}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
