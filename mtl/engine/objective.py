"""The forward pass: from a batch to one loss per task."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from mtl.engine.cut import Aside, Features, cut
from mtl.engine.distributed import mean_over_ranks, sum_over_ranks
from mtl.losses.base import full_precision
from mtl.losses.total import TotalLoss
from mtl.models.base import MultiTaskModel
from mtl.run.state import random_state, set_random_state
from mtl.task import Task

PRECISIONS = {"float32": None, "tf32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}  # of autocast

Labels = Mapping[str, Tensor]  # image and labels of a batch, on the device


class Alignment(Protocol):
    """What the engine calls of a `FeatureAlignment`."""

    def added(self, losses: Sequence[Tensor], features: Sequence[Sequence[Tensor]], image: Tensor) -> list[Tensor]:
        """The losses with the weighted distances added."""
        ...

    def observe(self, features: Sequence[Sequence[Tensor]], image: Tensor) -> Tensor:
        """The distances alone. Shape [T]."""
        ...

    def zero_grad(self) -> None:
        """Clears the gradients of the adaptors."""

    def after_step(self, scaler: torch.amp.GradScaler | None = None) -> None:
        """Steps the adaptors."""


class Distillation(Protocol):
    """What the engine calls of a `FeatureDistillation`."""

    teachers: Any  # the foundation models, with `names`
    distances: Tensor | None  # [K] to each of them, at the last call

    def __call__(self, maps: Sequence[Tensor], image: Tensor) -> Tensor:
        """The objective of no task, a scalar, from the encoder's maps of an image [B, 3, H, W]."""
        ...

    def zero_grad(self) -> None:
        """Clears the gradients of the adaptors."""

    def after_step(self, scaler: torch.amp.GradScaler | None = None) -> None:
        """Steps the adaptors."""


class Objective:
    """The forward pass: encoder, cut, heads, losses.

    Args:
        model: The network.
        total_loss: The losses of its tasks.
        precision: Key of `PRECISIONS`; parameters and losses stay in float32.
        alignment: `FeatureAlignment` to teachers whose distances are added to the losses; None: none.
        watch: `FeatureAlignment` that only measures the distances; None: none.
        distillation: `FeatureDistillation`, an objective of no task; None: none.
        judged: The tasks, if their KPIs are measured.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        total_loss: TotalLoss,
        precision: str,
        alignment: Alignment | None = None,
        watch: Alignment | None = None,
        distillation: Distillation | None = None,
        judged: Sequence[Task] = (),
    ) -> None:
        self.model, self.total_loss, self.alignment, self.watch = model, total_loss, alignment, watch
        self.dtype, self.judged, self.distillation = PRECISIONS[precision], judged, distillation
        self.shares: Tensor | None = None  # [T, 2] part and whole of the last KPIs, over all processes
        self.distances: Tensor | None = None  # [T] last distances that `watch` measured

    def __call__(self, labels: Labels) -> tuple[list[Tensor], Features, Tensor]:
        """T losses, the features they come from, and the tasks with labels (shape [T], bool)."""
        image = labels["image"]
        with torch.autocast(image.device.type, self.dtype, enabled=self.dtype is not None):
            features = cut(self.model.encode(image), len(self.model.task_names))
            copies = cast("Sequence[list[Tensor]]", features)  # of T tasks, as `encode` returns a list
            if self.watch is not None and torch.is_grad_enabled():
                self.distances = self.watch.observe(copies, image)
            outputs = self.model.predict(copies, (image.shape[-2], image.shape[-1]))
            losses, counts = self.total_loss(outputs, labels)
            if self.judged:
                self.shares = _shares(self.judged, outputs.final, labels)
            if self.alignment is not None:
                losses = self.alignment.added(losses, copies, image)
            if self.distillation is not None and features.differentiable:
                aside = features.copy()
                features.aside = Aside(self.distillation(aside, image), aside)
        return losses, features, counts > 0

    def measured(self) -> dict[str, float]:
        """Distances to teachers at the last images, by their keys in the log."""
        row: dict[str, float] = {}
        if self.distances is not None:
            keys = (f"feature/distance/{name}" for name in self.model.task_names)
            row |= zip(keys, self.distances.tolist(), strict=True)
        if self.distillation is not None and self.distillation.distances is not None:
            keys = (f"distil/{name}" for name in self.distillation.teachers.names)
            row |= zip(keys, mean_over_ranks(self.distillation.distances.clone()).tolist(), strict=True)
        return row

    def random_state(self) -> list[Tensor]:
        """State of the generators from which the next pass draws, as for `again`."""
        return random_state(self.model.device)

    @contextmanager
    def again(self, random: list[Tensor]) -> Iterator[None]:
        """Context for more passes over a batch, with the same random numbers.

        Running statistics, the generators and the adaptors of `watch` are left as they are. There is no distillation.

        Args:
            random: `random_state` before the first pass over the batch.
        """
        kept, device = (self.watch, self.distillation), self.model.device
        self.watch = self.distillation = None
        with _frozen_statistics(self.model), torch.random.fork_rng([device] if device.type == "cuda" else []):
            set_random_state(random, device)
            try:
                yield
            finally:
                self.watch, self.distillation = kept

    @torch.no_grad()
    def values(self, parts: Iterable[Labels]) -> Tensor:
        """Losses of a batch in training mode, mean over its parts and over processes. Shape [T].

        Running statistics are not updated: the training step has already counted the batch.
        """
        with _frozen_statistics(self.model):
            return mean_over_ranks(torch.stack([torch.stack(self(part)[0]) for part in parts]).mean(0))


@torch.no_grad()
def _shares(tasks: Sequence[Task], predictions: Mapping[str, Tensor], labels: Labels) -> Tensor:
    """Part and whole of the KPI of each task, summed over processes. Shape [T, 2], float64."""
    kpis = [cast(Any, task.label).kpi for task in tasks]
    pairs = [
        kpi(full_precision(predictions[task.name]), labels[task.name]) for kpi, task in zip(kpis, tasks, strict=True)
    ]
    return sum_over_ranks(torch.stack([torch.stack(pair) for pair in pairs]).double())


@contextmanager
def _frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Makes norms use the batch's statistics without updating their running statistics."""
    norms = [m for m in model.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def split(batch: Mapping[str, Any], parts: int, device: torch.device) -> list[Labels]:
    """Splits the tensors of a batch into equal parts on the device; their number must divide the batch size."""
    labels = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor)}
    chunks = {key: value.chunk(parts) for key, value in labels.items()}
    return [{key: values[part] for key, values in chunks.items()} for part in range(parts)]
