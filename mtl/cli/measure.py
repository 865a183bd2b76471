"""Measures what networks cost on this device with 3 steps and 8 evaluated images of each, in a process of its own.

`mtl.cli.costs` starts it. stdin has a JSON list: words, workers and processes of each network, and the file to write.
"""

import gc
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader, Subset

from mtl import build
from mtl.children import be_helper
from mtl.files import write_json
from mtl.report.numbers.hours import Cost
from mtl.run.checkpoint import LAST, save_checkpoint
from mtl.run.clock import Clock

STEPS, IMAGES = 3, 8


def measure(words: Sequence[str], workers: int, processes: int, folder: Path, launch: float) -> Cost:
    """The cost of a network; its weights are random.

    Args:
        words: Words for train.py.
        workers: Processes that load data for a run, and threads that score edges. Here nothing is loaded or scored
            ahead, and the time is computed for them.
        processes: Processes of a run; here one trains on its share of the batch.
        folder: For checkpoints, which it writes as a run does.
        launch: Seconds in which a process that trains starts.
    """
    cfg = build.compose(words)
    cfg.workers, cfg.logger, cfg.protocol.image_list = 0, {}, None
    cfg.recipe.batch_size = build.share_of_batch(cfg.recipe.batch_size, processes, cfg.recipe.micro_batches)
    for key in {"pretrained", "checkpoint"} & set(cfg.backbone.encoder):
        cfg.backbone.encoder[key] = None
    splits = [split for split in ("train", "val", "test") if split in cfg.dataset]
    data = {split: build.build_dataset(cfg, split, build.subset(cfg)) for split in splits}  # rendered and checked once
    teachers = untrained(cfg, folder) if build.needs_singles(cfg) else {}
    clock = Clock()
    trainer = build.build_trainer(cfg, folder, checkpoints=teachers, clock=clock)
    loader = trainer.evaluator.loader
    count = min(IMAGES, len(loader.dataset))
    trainer.evaluator.loader = DataLoader(
        Subset(loader.dataset, range(count)), batch_size=loader.batch_size, collate_fn=loader.collate_fn
    )
    plan = trainer.plan
    trainer.plan = replace(plan, steps=1, evaluate_every=1)  # the first step and image are slower
    trainer.fit()
    before = dict(clock.seconds)
    (folder / LAST).unlink()
    trainer.plan = replace(plan, steps=1 + STEPS, evaluate_every=1 + STEPS)
    result = trainer.fit()
    spent = {part: clock.seconds[part] - before[part] for part in before}
    first = max(before["training"] - spent["training"] / STEPS, 0)  # what only a first step takes, such as compiling
    return Cost(
        step=together(spent["training"], spent["data"], workers) / STEPS,
        image=together(spent["evaluation"], spent["scoring"], workers) / count / processes,
        start=before["other"] + first,
        save=spent["other"],
        launch=launch,
        epoch=len(trainer.loader) // processes,
        val=len(loader.dataset),
        test=len(data.get("test", ())),
        parameters=result["parameters"],
        memory_mib=result["peak_memory_mib"],
    )


def together(own: float, helped: float, workers: int) -> float:
    """Seconds of two kinds of work, the second of which is done by workers at the same time if there are any."""
    return max(own, helped / workers) if workers else own + helped


def untrained(cfg: DictConfig, folder: Path) -> dict[str, Path]:
    """Checkpoints of untrained single-task networks, by task."""
    plain = cfg.copy()
    plain.model = OmegaConf.load(build.CONFIGS / "model" / "vanilla.yaml")
    tasks = build.build_tasks(plain)
    for task in tasks:
        save_checkpoint({"model": build.build_model(plain, [task]).state_dict()}, folder / f"{task.name}.pt")
    return {task.name: folder / f"{task.name}.pt" for task in tasks}


def measure_all(jobs: Sequence[Mapping[str, Any]], launch: float) -> None:
    """Writes the cost of every network to its file; a network that fails is named and left out."""
    for job in jobs:
        path = Path(job["file"])
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with TemporaryDirectory(dir=path.parent) as folder:
                cost = measure(job["words"], job["workers"], job["processes"], Path(folder), launch)
        except Exception as error:  # also a GPU that is too small: the run itself will report it
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            print(f"{' '.join(job['words'])}: not measured ({reason})", file=sys.stderr)
        else:
            write_json(path, asdict(cost))
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


if __name__ == "__main__":
    be_helper()
    measure_all(json.load(sys.stdin), launch=time.time() - float(sys.argv[1]))
