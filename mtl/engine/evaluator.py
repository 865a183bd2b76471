"""Scores a model on a whole split."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mtl.delta_m import delta_m, task_gain
from mtl.engine.failure import DivergedError
from mtl.run.clock import Clock
from mtl.task import Task

Scores = dict[str, dict[str, float]]  # task -> metric -> value


class Evaluator:
    """Runs a model over a split and scores every task at the native size of its labels.

    Args:
        tasks: The tasks, in their order.
        loader: Batches of the split, with `meta`, and with the key each task's metric judges against.
        device: Where the model lives.
    """

    def __init__(self, tasks: Sequence[Task], loader: DataLoader, device: torch.device) -> None:
        self.tasks = tasks
        self.loader = loader
        self.device = device
        for task in tasks:
            task.metric.to(device)

    @torch.inference_mode()
    def run(
        self,
        model: nn.Module,
        progress: Callable[[int, int], None] = lambda done, batches: None,
        *,
        clock: Clock | None = None,
    ) -> Scores:
        """Metrics of all tasks; the model is left in training mode.

        Args:
            model: The network.
            progress: Called after every batch with the number of batches done and of all batches.
            clock: Told when the network and the metrics are done with a batch.

        Raises:
            DivergedError: The prediction of a task, which it names, is NaN or infinite.
        """
        clock = clock or Clock()
        model.eval()
        for task in self.tasks:
            task.metric.reset()
        for done, batch in enumerate(self.loader, 1):
            outputs = model(batch["image"].to(self.device, non_blocking=True))
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)  # the metrics need the outputs now
            clock.lap("evaluation")
            for task in self.tasks:
                if not torch.isfinite(outputs.final[task.name]).all():
                    raise DivergedError(task.name)
                truth = batch[task.truth or task.name].to(self.device, non_blocking=True)
                for part in without_padding(*judged(task, outputs.final[task.name], truth, batch["meta"])):
                    task.metric.update(*part)
            clock.lap("scoring")
            progress(done, len(self.loader))
        model.train()
        scores = {task.name: {k: float(v) for k, v in task.metric.compute().items()} for task in self.tasks}
        clock.lap("scoring")
        return scores


def judged(
    task: Task, prediction: Tensor, truth: Tensor, meta: Sequence[Mapping]
) -> tuple[Tensor, Tensor, Sequence[Mapping]]:
    """The images of the batch that the task's metric wants."""
    kept = [index for index, m in enumerate(meta) if task.metric.judges(m["id"])]
    if len(kept) == len(meta):
        return prediction, truth, meta
    return prediction[kept], truth[kept], [meta[index] for index in kept]


def without_padding(prediction: Tensor, truth: Tensor, meta: Sequence[Mapping]) -> Iterator[tuple[Tensor, Tensor]]:
    """Predictions and labels cropped to the image, the whole batch at once where all its images lie alike."""
    places = [(tuple(m["size"]), tuple(m["padding"])) for m in meta]
    groups = [slice(None)] if len(set(places)) == 1 else [slice(i, i + 1) for i in range(len(places))]
    for group in groups:
        (height, width), (top, left) = places[group][0]
        window = (group, slice(None), slice(top, top + height), slice(left, left + width))
        yield prediction[window], truth[window]


def selection_score(scores: Scores, tasks: Sequence[Task]) -> float:
    """Mean over tasks of s_t log(primary metric), s_t = -1 where lower is better: the best model has the highest.

    It needs no baseline, and for a single task it ranks by that task's metric. Where a metric has no value, or is
    0 with higher better, the score is minus infinity.
    """
    total = 0.0
    for task in tasks:
        value = scores[task.name][task.metric.primary]
        if math.isnan(value) or value < 0 or (value == 0 and task.metric.higher_is_better):
            return -math.inf
        total += (1 if task.metric.higher_is_better else -1) * math.log(max(value, 1e-12))
    return total / len(tasks)


def as_row(scores: Scores, tasks: Sequence[Task], baseline: Mapping[str, float] | None) -> dict[str, float | str]:
    """An evaluation as a row of `metrics`: every score, Delta_m, and by which presets the tasks were judged."""
    row = {f"val/{task}/{key}": value for task, values in scores.items() for key, value in values.items()}
    presets = " ".join(f"{task.name}={task.metric.preset}" for task in tasks if task.metric.preset)
    return row | {"val/delta_m": gain_over(baseline, scores, tasks), "presets": presets}


def gain_over(baseline: Mapping[str, float] | None, scores: Scores, tasks: Sequence[Task]) -> float:
    """Delta_m over the single-task networks, in percent; NaN without a baseline."""
    if baseline is None:
        return math.nan
    metrics = {task.name: task.metric for task in tasks}
    gains = [
        task_gain(scores[name][metric.primary], baseline[name], metric.higher_is_better)
        for name, metric in metrics.items()
    ]
    return delta_m(gains)
