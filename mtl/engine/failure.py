"""Reasons for a skipped step, and for a run whose network has not been trained."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtl.engine.decision import Gradients
from mtl.engine.progress import Progress

AGAIN = "with unchanged settings this run trains again only with force=true"
RATE = "lower recipe.optimizer.lr"
FIXES = {
    "loss": f"{RATE}, or check the labels",
    "weight": "change weighter.method (dataset.grid_weights for Grid Search)",
    "gradient": f"{RATE} or the weight of the task",
}


class NotTrainedError(ValueError):
    """The run has ended, but its network has not been trained."""


class DivergedError(ValueError):
    """A prediction of a task is NaN or infinite."""

    def __init__(self, task: str) -> None:
        super().__init__(f"{task}: predictions NaN or infinite: {RATE} and train again with force=true")
        self.task = task


def left_out(
    progress: Progress,
    names: Sequence[str],
    meta: Sequence[Mapping[str, Any]],
    gradients: Gradients,
    on_nonfinite: str,
    overflow: bool,
) -> str:
    """Counts a step with a loss or gradient that is not finite, and returns a line about it.

    Args:
        progress: Gets the step, and its cause if it is the first one.
        names: The T tasks, in order.
        meta: Of the images of the batch.
        gradients: Result of the backward pass.
        on_nonfinite: `skip` or `raise`.
        overflow: Whether the numbers were too large for float16, as they are while the loss scaler finds its scale.

    Raises:
        ValueError: The step is not to be skipped.
    """
    step = progress.step + 1
    values = zip(names, gradients.losses.tolist(), strict=True)
    losses = ", ".join(f"{task} {loss:.4g}" for task, loss in values)
    where = ", ".join(_chosen(names, gradients.broken)) or "the network"
    images = ", ".join(about["id"] for about in meta)
    line = f"step {step}: loss or gradient not finite in {where} (losses {losses}; images {images})"
    if on_nonfinite == "raise" and not overflow:
        raise ValueError(f"{line}: lower the learning rate, or set recipe.on_nonfinite=skip")
    progress.skipped += 1
    if progress.cause is None and not overflow:
        progress.cause = first_cause(names, step, gradients)
    return f"{line}: step skipped, number {progress.skipped}"


def first_cause(names: Sequence[str], step: int, gradients: Gradients) -> tuple[str, str]:
    """What was not finite in a step, and what to change.

    Args:
        names: The T tasks, in order.
        step: Number of the step, from 1.
        gradients: Result of its backward pass.
    """
    found = {"loss": gradients.losses, "weight": gradients.weights, "gradient": gradients.broken}
    for what, values in found.items():
        bad = values if values.dtype == torch.bool else ~torch.isfinite(values)  # [T]
        if bad.any():
            tasks = ", ".join(_chosen(names, bad))
            return f"{tasks}: {what} {_kind(values[bad])} at step {step}", FIXES[what]
    heaviest = names[int(gradients.weights.abs().argmax())]
    largest = float(gradients.weights.abs().max())
    what = f"gradient of the network NaN or infinite at step {step} (largest weight: {heaviest} {largest:.3g})"
    return what, f"{RATE} or the weight of {heaviest} (weighter.method)"


def failure(progress: Progress, names: Sequence[str]) -> str | None:
    """Why the network has not been trained; None if every task was.

    Args:
        progress: The progress at the end of the run.
        names: The tasks, in order.
    """
    if progress.counted == 0:
        cause, fix = progress.cause or ("gradient too large for float16", "use recipe.precision=bfloat16")
        return f"{cause}, and all {progress.step} steps were skipped: {fix}; {AGAIN}"
    if idle := _chosen(names, progress.trained == 0):
        tasks = ", ".join(idle)
        return f"{tasks}: no valid label in any of {progress.counted} batches: check the training labels; {AGAIN}"
    return None


def divergence(progress: Progress, task: str) -> str:
    """Why the network predicts NaN or infinity for a task.

    Args:
        progress: The progress at the evaluation.
        task: Name of the task.
    """
    line = f"{task}: predictions NaN or infinite after step {progress.step}"
    if progress.cause is None:
        return f"{line}: {RATE}; {AGAIN}"
    cause, fix = progress.cause
    return f"{line}; first {cause}, {progress.skipped} steps skipped: {fix}; {AGAIN}"


def _kind(values: Tensor) -> str:
    if values.dtype == torch.bool:
        return "NaN or infinite"
    kinds = [word for word, some in (("NaN", values.isnan()), ("infinite", values.isinf())) if some.any()]
    return " or ".join(kinds)


def _chosen(names: Sequence[str], mask: Tensor) -> list[str]:
    return [name for name, chosen in zip(names, mask, strict=True) if chosen]
