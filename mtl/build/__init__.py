"""Builds the objects of a run from its composed config, in this order: config -> data -> model -> trainer.

Apart from `mtl.cli` and `mtl.experiment`, this is the only code that uses Hydra.
"""

from mtl.build.config import CONFIGS, INCIDENTAL, applied, compose, run_folder, science, subset, watches
from mtl.build.data import build_dataset, share_of_batch
from mtl.build.model import build_alignment, build_model, build_tasks, build_weighter, rebuild
from mtl.build.trainer import build_evaluator, build_trainer
from mtl.build.workers import settle

__all__ = [
    "CONFIGS",
    "INCIDENTAL",
    "applied",
    "build_alignment",
    "build_dataset",
    "build_evaluator",
    "build_model",
    "build_tasks",
    "build_trainer",
    "build_weighter",
    "compose",
    "rebuild",
    "run_folder",
    "science",
    "settle",
    "share_of_batch",
    "subset",
    "watches",
]
