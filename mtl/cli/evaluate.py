"""Scores saved predictions of any program: `python scripts/evaluate.py predictions=DIR dataset=nyud protocol=seism`.

DIR holds a folder per task with a file per image, such as DIR/semseg/0001.png; mtl/data/predictions.py describes the
formats. Tasks that have a folder are scored; if files of a task are missing or wrong, it is named, with exit code 1.
Useful words of train.py: subset=[semseg,edge], data=FOLDER, workers=4, protocol.image_list=FILE.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig
from tabulate import tabulate
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from mtl import build
from mtl.cli.ending import run
from mtl.cli.prepare import open_split
from mtl.data.base import DenseDataset
from mtl.data.loader import set_up_worker
from mtl.data.predictions import Predictions
from mtl.data.stored import DamagedFileError
from mtl.files import write_json
from mtl.task import Task

OWN = {
    "predictions": (None, "folder with a folder per task, which holds a file per image"),
    "split": ("val", "split of the dataset"),
    "depth_unit": ("", "metres per stored unit of depth, such as 0.001"),
    "output": ("", "file for the scores; by default scores.json in the folder of the predictions"),
}
Pair = tuple[Tensor, Tensor]  # prediction and truth of an image, [C, H, W]
Failures = dict[str, str]  # by task: why it is not scored


class Pairs(Dataset[tuple[str, dict[str, Pair | str]]]):
    """Prediction and truth of each image, by task; tasks without a prediction are left out.

    If a prediction is unusable, the reason replaces the pair.
    """

    def __init__(self, truths: DenseDataset, tasks: Sequence[Task], saved: Mapping[str, Predictions]) -> None:
        self.truths = truths
        self.saved = {task.name: saved[task.name] for task in tasks}
        self.keys = {task.name: task.truth or task.name for task in tasks}

    def __len__(self) -> int:
        return len(self.truths)

    def __getitem__(self, index: int) -> tuple[str, dict[str, Pair | str]]:
        sample = self.truths[index]
        id, size = sample["meta"]["id"], sample["meta"]["size"]
        pairs: dict[str, Pair | str] = {}
        for task, saved in self.saved.items():
            if id in saved.files:
                try:
                    pairs[task] = saved.read(id, size), sample[self.keys[task]].as_subclass(Tensor)
                except DamagedFileError as error:
                    pairs[task] = str(error)
        return id, pairs


def evaluate(own: Mapping[str, str], words: Sequence[str]) -> None:
    """Scores the predictions; a task whose predictions are missing or wrong is left out, and named at the end.

    Args:
        own: Values of the words `OWN`.
        words: Words of train.py.

    Raises:
        ValueError: Words are wrong, or a task could not be scored.
    """
    folder, split = Path(own["predictions"]), own["split"]
    cfg = build.compose([*words, *present(folder, words)])
    failures: Failures = {}
    saved = open_predictions(cfg, folder, unit(own["depth_unit"]), failures)
    tasks = [task for task in build.build_tasks(cfg) if task.name in saved]
    if not tasks:
        raise ValueError("; ".join(failures.values()))
    truths = open_split(cfg, split, list(saved))
    for task in tasks:
        try:
            check_files(cfg, split, task, saved[task.name], image_ids(truths))
        except ValueError as error:
            failures[task.name] = str(error)
    tasks = [task for task in tasks if task.name not in failures]
    scores = score(Pairs(truths, tasks, saved), tasks, cfg.workers, failures) if tasks else {}
    if scores:
        about = {"predictions": str(folder), "dataset": cfg.dataset.name, "split": split, "data": truths.about()}
        report(Path(own["output"] or folder / "scores.json"), about | {"tasks": scores, "not_scored": failures})
    if failures:
        rest = f"; scored: {', '.join(scores)}" if scores else ""
        raise ValueError(f"{'; '.join(failures.values())} (not scored: {', '.join(failures)}{rest})")


def open_predictions(
    cfg: DictConfig, folder: Path, depth_unit: float | None, failures: Failures
) -> dict[str, Predictions]:
    """Opens the predictions of every task that has a folder.

    Args:
        cfg: The composed config.
        folder: The folder of the predictions.
        depth_unit: Metres per stored unit of depth, if given.
        failures: Gets the tasks that have no folder.
    """
    first = get_class(cfg.dataset.val._target_).first_numbers
    saved = {}
    for task in build.build_tasks(cfg):
        try:
            saved[task.name] = Predictions(folder, task.label, task.channels, depth_unit, first.get(task.name, 0))
        except ValueError as error:
            failures[task.name] = str(error)
    return saved


def report(output: Path, result: Mapping[str, Any]) -> None:
    """Writes the scores and prints them as a table.

    Args:
        output: File for the scores.
        result: What goes into it.
    """
    write_json(output, result, indent=2)
    rows = [
        (task, metric, value, about["images"], about["preset"] or "")
        for task, about in result["tasks"].items()
        for metric, value in about["scores"].items()
    ]
    title = f"{result['dataset']} {result['split']}"
    print(tabulate(rows, ["task", "metric", title, "images", "preset"], floatfmt=".4f"))
    print(output)


def unit(word: str) -> float | None:
    """Metres per stored unit of depth, if given.

    Raises:
        ValueError: It is not a positive number.
    """
    try:
        value = float(word) if word else None
    except ValueError:
        value = -1
    if value is not None and not 0 < value < float("inf"):
        raise ValueError(f"depth_unit={word}: use metres per unit, such as 0.001")
    return value


def present(folder: Path, words: Sequence[str]) -> list[str]:
    """The word that selects the tasks with predictions; none if the command line selects tasks.

    Raises:
        ValueError: No task has predictions.
    """
    if any(word.startswith("subset=") for word in words):
        return []
    cfg = build.compose(words)
    cfg.subset = known = list(cfg.dataset.tasks)
    found = [task.name for task in build.build_tasks(cfg) if Predictions.has(folder, task.label)]
    if not found:
        raise ValueError(f"predictions={folder}: has none of the folders {', '.join(known)}")
    return [f"subset=[{','.join(found)}]"]


def image_ids(truths: Any) -> list[str]:
    """Id of every image of a split."""
    return truths.ids if hasattr(truths, "ids") else [truths.read(i)["meta"]["id"] for i in range(len(truths))]


def check_files(cfg: DictConfig, split: str, task: Task, saved: Predictions, ids: Sequence[str]) -> None:
    """Rejects incomplete predictions; images without a valid label of the task need none.

    Raises:
        ValueError: One is missing.
    """
    if extra := saved.extra(ids):
        print(f"not scored: {len(extra)} files of {task.name} belong to no image of the split, such as {extra[0]}")
    missing = [id for id in saved.missing(ids) if task.metric.judges(id)]
    if 0 < len(missing) < len(ids):
        alone = open_split(cfg, split, [task.name])
        place = {id: index for index, id in enumerate(image_ids(alone))}
        label: Any = task.label  # a `Task` always sets it
        missing = [id for id in missing if label.valid(alone.read(place[id])[task.name]).any()]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(ids)} predictions of {task.name} are missing, such as that of image "
            f"{missing[0]} in {saved.folder}{'' if saved.files else saved.others}"
        )


def score(pairs: Pairs, tasks: Sequence[Task], workers: int, failures: Failures) -> dict[str, dict[str, Any]]:
    """Preset, number of images and metrics of every task that can be scored.

    Args:
        pairs: Predictions and truths.
        tasks: The tasks.
        workers: Processes that read; 0: this one.
        failures: Gets the tasks that cannot be scored.
    """
    loader = DataLoader(pairs, batch_size=None, num_workers=workers, worker_init_fn=set_up_worker)
    images = dict.fromkeys((task.name for task in tasks), 0)
    for id, found in tqdm(loader, "scoring", unit="img", mininterval=1):
        for task in tasks:
            if task.name in found and task.name not in failures and task.metric.judges(id):
                pair = found[task.name]
                if isinstance(pair, str):
                    failures[task.name] = pair
                else:
                    task.metric.update(pair[0][None], pair[1][None])
                    images[task.name] += 1
    scores = {}
    for task in tasks:
        if task.name not in failures:
            try:
                values = {key: float(value) for key, value in task.metric.compute().items()}
            except ValueError as error:
                failures[task.name] = str(error)
                continue
            about = {"primary": task.metric.primary, "preset": task.metric.preset}
            scores[task.name] = about | {"images": images[task.name], "scores": values}
    return scores


def command() -> None:
    """Reads the command line, and scores."""
    run(evaluate, __doc__, OWN, others=True)
