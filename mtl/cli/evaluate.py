"""Scores saved predictions of any program, with the labels and the metrics of a run."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from tabulate import tabulate
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from mtl import build
from mtl.cli.prepare import open_split, split_words
from mtl.data.base import DenseDataset
from mtl.data.loader import IGNORE_INDEX, single_threaded
from mtl.data.predictions import Predictions
from mtl.files import write_whole
from mtl.task import Task

OWN = ("predictions", "split", "depth_unit", "output")
Pair = tuple[Tensor, Tensor]  # prediction and truth of an image, [C, H, W]


class Pairs(Dataset[tuple[str, dict[str, Pair]]]):
    """What the metrics compare, by task, of each image; tasks without a prediction of it are left out."""

    def __init__(self, truths: DenseDataset, tasks: Sequence[Task], saved: Mapping[str, Predictions]) -> None:
        self.truths, self.saved = truths, saved
        self.keys = {task.name: task.truth or task.name for task in tasks}

    def __len__(self) -> int:
        return len(self.truths)

    def __getitem__(self, index: int) -> tuple[str, dict[str, Pair]]:
        sample = self.truths[index]
        id, size = sample["meta"]["id"], sample["meta"]["size"]
        read = {task: saved.read(id, size) for task, saved in self.saved.items() if id in saved.files}
        return id, {task: (one, sample[self.keys[task]].as_subclass(Tensor)) for task, one in read.items()}


def evaluate() -> None:
    """Do what the words of the command line ask for; see scripts/evaluate.py.

    Raises:
        ValueError: Predictions are missing or none, or do not fit their images.
    """
    own, words = split_words(sys.argv[1:], OWN)
    if not own.get("predictions"):
        raise ValueError("say where the predictions are: predictions=DIR")
    folder, split = Path(own["predictions"]), own.get("split", "val")
    cfg = build.compose([*words, *present(folder, words)])
    tasks = build.build_tasks(cfg)
    saved = {task.name: Predictions(folder, task.name, task.channels, unit(own)) for task in tasks}
    truths = open_split(cfg, split, [task.name for task in tasks])
    ids = image_ids(truths)
    for task in tasks:
        check_files(cfg, split, task, saved[task.name], ids)
    scores = score(Pairs(truths, tasks, saved), tasks, cfg.workers)
    about = {"predictions": str(folder), "dataset": cfg.dataset.name, "split": split, "data": truths.about()}
    output = Path(own.get("output", folder / "scores.json"))
    write_whole(output, json.dumps(about | {"tasks": scores}, indent=2) + "\n")
    rows = [
        (task, metric, value, result["images"], result["preset"] or "")
        for task, result in scores.items()
        for metric, value in result["scores"].items()
    ]
    print(tabulate(rows, ["task", "metric", f"{cfg.dataset.name} {split}", "images", "preset"], floatfmt=".4f"))
    print(output)


def unit(own: Mapping[str, str]) -> float | None:
    """Metres of a unit of depth images, if it is given.

    Raises:
        ValueError: It is no length.
    """
    word = own.get("depth_unit")
    try:
        value = float(word) if word is not None else None
    except ValueError:
        value = -1
    if value is not None and not 0 < value < float("inf"):
        raise ValueError(f"depth_unit={word}: use metres of a unit, such as 0.001")
    return value


def present(folder: Path, words: Sequence[str]) -> list[str]:
    """The word that chooses the tasks of which there are predictions; none where the command line chooses.

    Raises:
        ValueError: There are predictions of no task.
    """
    if any(word.startswith("subset=") for word in words):
        return []
    known = list(build.compose(words).dataset.tasks)
    found = [task for task in known if Predictions.has(folder, task)]
    if not found:
        raise ValueError(f"predictions={folder}: has none of the folders {', '.join(known)}")
    return [f"subset=[{','.join(found)}]"]


def image_ids(truths: Any) -> list[str]:
    """Id of every image of a split."""
    return truths.ids if hasattr(truths, "ids") else [truths.read(i)["meta"]["id"] for i in range(len(truths))]


def check_files(cfg: DictConfig, split: str, task: Task, saved: Predictions, ids: Sequence[str]) -> None:
    """Refuses predictions that are not complete; images without a valid label of the task need none.

    Raises:
        ValueError: One is missing.
    """
    if extra := saved.extra(ids):
        print(f"not scored: {len(extra)} files of {task.name} belong to no image of the split, such as {extra[0]}")
    missing = [id for id in saved.missing(ids) if task.metric.judges(id)]
    if 0 < len(missing) < len(ids):
        alone = open_split(cfg, split, [task.name])
        place = {id: index for index, id in enumerate(image_ids(alone))}
        missing = [id for id in missing if labelled(alone.read(place[id])[task.name])]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(ids)} predictions of {task.name} are missing, such as that of image "
            f"{missing[0]} in {saved.folder}"
        )


def labelled(labels: Any) -> bool:
    """Whether a label has a valid pixel. Shape [C, H, W]."""
    return bool((labels != (0 if labels.dtype.kind == "f" else IGNORE_INDEX)).any())


def score(pairs: Pairs, tasks: Sequence[Task], workers: int) -> dict[str, dict[str, Any]]:
    """Preset, number of images and metrics of every task.

    Args:
        pairs: Predictions and truths.
        tasks: The tasks.
        workers: Processes that read; 0: this one.
    """
    loader = DataLoader(pairs, batch_size=None, num_workers=workers, worker_init_fn=single_threaded)
    images = dict.fromkeys((task.name for task in tasks), 0)
    for id, found in tqdm(loader, "scoring", unit="img", mininterval=1):
        for task in tasks:
            if task.name in found and task.metric.judges(id):
                prediction, truth = found[task.name]
                task.metric.update(prediction[None], truth[None])
                images[task.name] += 1
    return {
        task.name: {
            "primary": task.metric.primary,
            "preset": getattr(task.metric, "preset", None),
            "images": images[task.name],
            "scores": {key: float(value) for key, value in task.metric.compute().items()},
        }
        for task in tasks
    }
