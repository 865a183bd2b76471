"""The training loop, from top to bottom."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl.engine import distributed
from mtl.engine.backward import Gradients, backward
from mtl.engine.checkpoint import save_checkpoint
from mtl.engine.cut import cut
from mtl.engine.evaluator import Evaluator, gain_over, selection_score
from mtl.engine.gradient_stats import gradient_stats
from mtl.engine.record import StepTimer, forget_peak_memory, peak_memory
from mtl.engine.schedules import PolySchedule
from mtl.loggers.base import Logger
from mtl.losses.total import TotalLoss
from mtl.models.base import MultiTaskModel
from mtl.task import Task
from mtl.weighters.base import Weighter


@dataclass(frozen=True)
class Plan:
    """The numbers of a run.

    Args:
        steps: Length in optimizer steps.
        evaluate_every: Steps between evaluations; the last step is always followed by one.
        clip: Largest global L2 norm of the gradient; None: any.
        statistics_scope: Where gradient statistics are taken.
        statistics_every: Steps between them; 0: never.
    """

    steps: int
    evaluate_every: int
    clip: float | None
    statistics_scope: str
    statistics_every: int


class Trainer:
    """Trains one model with one weighter and keeps its best and its last state.

    Args:
        model: The network.
        tasks: Its tasks, in their order.
        weighter: The rule that weighs them.
        applied: How `backward` applies the weighter: any of scope, scale and heads.
        optimizer: Of the model's parameters, and the weighter's if it has any.
        schedule: Of the learning rate.
        loader: Training batches.
        evaluator: Scores the model.
        loggers: Where rows and progress go.
        folder: The run folder.
        device: Where the model lives.
        plan: The numbers of the run.
        baseline: Primary metric of the single-task network of each task; None: Delta_m stays empty.
    """

    def __init__(
        self,
        *,
        model: MultiTaskModel,
        tasks: Sequence[Task],
        weighter: Weighter,
        applied: Mapping[str, str],
        optimizer: Optimizer,
        schedule: PolySchedule,
        loader: DataLoader,
        evaluator: Evaluator,
        loggers: Sequence[Logger],
        folder: Path,
        device: torch.device,
        plan: Plan,
        baseline: Mapping[str, float] | None = None,
    ) -> None:
        self.model, self.tasks, self.weighter, self.applied = model, tasks, weighter, applied
        self.total_loss = TotalLoss(tasks).to(device)
        self.optimizer, self.schedule, self.loader, self.evaluator = optimizer, schedule, loader, evaluator
        self.loggers = loggers
        self.folder, self.device, self.plan, self.baseline = folder, device, plan, baseline
        self.names = [task.name for task in tasks]
        self.timer = StepTimer(device)
        self.step = 0
        self.best: dict[str, Any] | None = None
        self.last: dict[str, Any] | None = None
        self.weight_sum = torch.zeros(len(tasks), dtype=torch.float64, device=device)  # [T], over the whole run
        self.loss_sum = torch.zeros_like(self.weight_sum)  # [T], since the last evaluation
        self.loss_steps = 0

    def fit(self) -> dict[str, Any]:
        """Trains to the end and returns the numbers of the run."""
        self.model.train()
        forget_peak_memory(self.device)
        self.timer.start(self.step)
        try:
            for batch in self._batches():
                self._train_step(batch)
                if self.step % self.plan.evaluate_every == 0 or self.step == self.plan.steps:
                    self._evaluate()
        finally:
            for logger in self.loggers:
                logger.close()
        return {
            "best": self.best,
            "last": self.last,
            "baseline": self.baseline,
            "mean_weights": dict(zip(self.names, (self.weight_sum / self.step).tolist(), strict=True)),
            "steps": self.step,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "peak_memory_mib": peak_memory(self.device),
            **self.timer.summary(),
        }

    def _batches(self) -> Iterator[dict[str, Any]]:
        """Batches from the current step to the last one, epoch after epoch."""
        while self.step < self.plan.steps:
            self.loader.sampler.set_position(*divmod(self.step, len(self.loader)))
            for batch in self.loader:
                yield batch
                if self.step == self.plan.steps:
                    return
            self.weighter.after_epoch()

    def _train_step(self, batch: Mapping[str, Any]) -> None:
        """One optimizer step."""
        every = self.plan.statistics_every
        statistics = self.plan.statistics_scope if every and self.step % every == 0 else None
        if statistics:
            self.timer.stop(self.step)
        batch = {k: v.to(self.device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor)}
        image = batch["image"]

        self.optimizer.zero_grad(set_to_none=True)
        features = cut(self.model.encode(image), len(self.tasks))
        outputs = self.model.decode(features, tuple(image.shape[-2:]))
        losses, counts = self.total_loss(outputs, batch)
        gradients = backward(
            losses,
            features,
            self.weighter,
            last_layer=self.model.last_layer,
            shared=self.model.shared_parameters(),
            active=counts > 0,
            statistics=statistics,
            **self.applied,
        )
        if self.plan.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip)
        self.optimizer.step()
        self.weighter.after_step()
        self.step += 1
        self.schedule.after_step(self.step)

        self.weight_sum += gradients.weights
        self.loss_sum += gradients.losses
        self.loss_steps += 1
        if statistics:
            self._log_step(gradients)
            self.timer.start(self.step)
        for logger in self.loggers:
            logger.progress(self.step)

    def _log_step(self, gradients: Gradients) -> None:
        """One row of losses, weights and gradient statistics."""
        row = self._by_task("train/loss", gradients.losses) | self._by_task("weight", gradients.weights)
        self._log("gradients", row | gradient_stats(gradients, self.names))

    def _evaluate(self) -> None:
        """Scores the model, then keeps it as the last and perhaps as the best one."""
        self.timer.stop(self.step)
        scores = self.evaluator.run(self.model)
        row = {"epoch": self.step / len(self.loader)}
        row |= self._by_task("train/loss", self.loss_sum / self.loss_steps)
        row |= {f"val/{task}/{key}": v for task, values in scores.items() for key, v in values.items()}
        self._log("metrics", row | {"val/delta_m": gain_over(self.baseline, scores, self.tasks)})
        self.loss_sum.zero_()
        self.loss_steps = 0

        self.last = {"step": self.step, "scores": scores, "selection": selection_score(scores, self.tasks)}
        if self.best is None or self.last["selection"] >= self.best["selection"]:
            self.best = self.last
            self._save("best.pt", {"model": self.model.state_dict(), **self.best})
        self._save("last.pt", self.state_dict())
        self.timer.start(self.step)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        return {
            "model": self.model.state_dict(),
            "weighter": self.weighter.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "step": self.step,
            "weight_sum": self.weight_sum,
            "best": self.best,
            "last": self.last,
        }

    def _by_task(self, key: str, values: Tensor) -> dict[str, float]:
        return {f"{key}/{name}": value for name, value in zip(self.names, values.tolist(), strict=True)}

    def _log(self, kind: str, row: dict[str, float]) -> None:
        for logger in self.loggers:
            logger.log(kind, self.step, row)

    def _save(self, name: str, state: dict[str, Any]) -> None:
        if distributed.rank() == 0:
            save_checkpoint(state, self.folder / name)
