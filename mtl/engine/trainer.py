"""The training loop."""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl.engine import distributed
from mtl.engine.batch_gradients import BatchGradients
from mtl.engine.decision import Gradients
from mtl.engine.evaluator import Evaluator, as_row, selection_score
from mtl.engine.failure import DivergedError, NotTrainedError, divergence, failure, left_out
from mtl.engine.gradient_stats import gradient_stats
from mtl.engine.lookahead import Lookahead, LookaheadGradients
from mtl.engine.objective import Alignment, Distillation, Objective, split
from mtl.engine.progress import Plan, Progress
from mtl.engine.rotations import RotationLearner
from mtl.engine.schedules import PolySchedule
from mtl.engine.sharpness import SharpGradients, Sharpness
from mtl.loggers.base import Kind, Logger
from mtl.losses.total import TotalLoss
from mtl.models.base import MultiTaskModel
from mtl.run.checkpoint import save_checkpoint
from mtl.run.clock import Clock
from mtl.run.interrupt import Interrupts
from mtl.run.record import StepTimer, forget_peak_memory, peak_memory
from mtl.run.state import RunState
from mtl.task import Task
from mtl.weighters.base import Weighter


class Trainer:
    """Trains one model with one weighter; saves its best and its last state.

    Args:
        model: The network.
        tasks: Its tasks, in their order.
        weighter: The rule that weights them.
        applied: How `backward` applies the weighter: any of scope, scale and heads.
        optimizer: Of the model's parameters, and the weighter's if it has any.
        schedule: Of the learning rate.
        loader: Training batches.
        evaluator: Scores the model.
        loggers: Receive rows and progress.
        folder: The run folder.
        device: Where the model lives.
        plan: Settings of the run.
        baseline: Primary metric of the single-task network of each task; None: Delta_m stays empty.
        alignment: `FeatureAlignment` to teachers, with its own optimizer; None: only the losses of the tasks.
        rotations: Trains the rotations of RotoGrad; None: there are none.
        sharpness: Settings of flat minima; None: the gradients at the weights themselves.
        lookahead: Settings of a look ahead, for a weighter that learns from it; None: none.
        watch: A `FeatureAlignment` that only measures the distance to teachers; None: none.
        distillation: `FeatureDistillation` of foundation models, an objective of no task; None: none.
        clock: The clock of the run; None: a new one.
    """

    def __init__(
        self,
        *,
        model: MultiTaskModel,
        tasks: Sequence[Task],
        weighter: Weighter,
        applied: Mapping[str, Any],
        optimizer: Optimizer,
        schedule: PolySchedule,
        loader: DataLoader,
        evaluator: Evaluator,
        loggers: Sequence[Logger],
        folder: Path,
        device: torch.device,
        plan: Plan,
        baseline: Mapping[str, float] | None = None,
        alignment: Alignment | None = None,
        rotations: RotationLearner | None = None,
        sharpness: Sharpness | None = None,
        lookahead: Lookahead | None = None,
        watch: Alignment | None = None,
        distillation: Distillation | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.model, self.tasks, self.weighter = model, tasks, weighter
        extras = alignment, watch, distillation, tasks if weighter.judges else ()
        self.objective = Objective(model, TotalLoss(tasks).to(device), plan.precision, *extras)
        plain = BatchGradients(self.objective, weighter, plan.accumulation, applied, rotations)
        self.scaler = torch.amp.GradScaler(device.type, enabled=plan.precision == "float16")
        self.optimizer, self.schedule, self.loader, self.evaluator = optimizer, schedule, loader, evaluator
        self.loggers, self.alignment, self.folder, self.device = loggers, alignment, folder, device
        self.companions = [part for part in (alignment, rotations, distillation) if part is not None]  # own optimizers
        self.plan, self.baseline, self.names = plan, baseline, [task.name for task in tasks]
        self.timer, self.clock = StepTimer(device), clock or Clock()
        self.progress = Progress(weights=torch.zeros(len(tasks), dtype=torch.float64, device=device))
        self.backward = plain
        if sharpness is not None:
            self.backward = SharpGradients(self.objective, weighter, sharpness, applied)
        if lookahead is not None:
            self.backward = LookaheadGradients(plain, optimizer, lookahead, self.progress)
        parts: dict[str, Any] = {"model": model, "weighter": weighter, "optimizer": optimizer, "scaler": self.scaler}
        parts |= {"schedule": schedule, "progress": self.progress, "timer": self.timer, "clock": self.clock}
        parts |= {"alignment": alignment, "rotations": rotations, "watch": watch, "distillation": distillation}
        self.state = RunState({key: part for key, part in parts.items() if part is not None}, folder, device)
        self.save_by = time.monotonic() + 60 * plan.checkpoint_minutes
        self.interrupts = Interrupts()

    def fit(self) -> dict[str, Any]:
        """Trains to the end, from the state in the run folder if there is one, and returns the numbers of the run."""
        if self.state.restore():
            for logger in self.loggers:
                logger.resume(self.progress.step)
        self.model.train()
        forget_peak_memory(self.device)
        self.timer.start(self.progress.step)
        self.clock.lap("other")
        try:
            self._end_if(self.progress.failure)
            with Interrupts() as self.interrupts:
                if self.progress.evaluation_due(self.plan):  # a signal ended it
                    self._evaluate()
                for batch in self._batches():
                    self.clock.lap("data")
                    self._train_step(batch)
                    self.clock.lap("training")
                    step = self.progress.step
                    self._end_if(failure(self.progress, self.names) if step == self.plan.steps else None)
                    self.interrupts.agree(partial(distributed.largest_over_ranks, device=self.device))
                    if self.progress.evaluation_due(self.plan):
                        self._evaluate()
                    elif self.interrupts.received or time.monotonic() > self.save_by:
                        self._save()
                    self.clock.lap("other")
                    self.interrupts.exit_if_received()
        finally:
            for logger in self.loggers:
                logger.close()
        return {
            **self.progress.summary(self.names),
            "baseline": self.baseline,
            "diagnostics": self.weighter.diagnostics(),
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "peak_memory_mib": peak_memory(self.device),
            **self.timer.summary(),
        }

    def _batches(self) -> Iterator[dict[str, Any]]:
        """Batches from the current step to the last one, epoch after epoch."""
        while self.progress.step < self.plan.steps:
            cast("Any", self.loader.sampler).set_position(*divmod(self.progress.step, len(self.loader)))
            for batch in self.loader:
                yield batch
                if self.progress.step == self.plan.steps:
                    return

    def _train_step(self, batch: Mapping[str, Any]) -> None:
        """One optimizer step."""
        every, step = self.plan.statistics_every, self.progress.step
        statistics = self.plan.statistics_scope if every and step % every == 0 else None
        if statistics:
            self.timer.stop(step)
        parts = split(batch, self.plan.micro_batches, self.device)
        remembered = {key: value.clone() for key, value in self.weighter.state_dict().items()}

        self.optimizer.zero_grad()
        for companion in self.companions:
            companion.zero_grad()
        scale = self.scaler.scale(torch.ones((), device=self.device)) if self.scaler.is_enabled() else None
        gradients = self.backward(parts, statistics, scale)
        self.scaler.unscale_(self.optimizer)
        length = clip_grad_norm_(self.model.parameters(), self.plan.clip or torch.inf)
        if torch.isfinite(length) & torch.isfinite(gradients.losses).all() & ~gradients.broken.any():
            self.scaler.step(self.optimizer)
            for companion in self.companions:
                companion.after_step(self.scaler)
            self.weighter.after_step(self.objective.values(parts) if self.weighter.recompute else None)
            self.progress.add(gradients)
        else:
            self.weighter.load_state_dict(remembered)
            overflow = self.scaler.is_enabled() and bool(torch.isfinite(gradients.losses).all())
            line = left_out(self.progress, self.names, batch["meta"], gradients, self.plan.on_nonfinite, overflow)
            for logger in self.loggers:
                logger.say(line)
        self.scaler.update()
        self.progress.step += 1
        self.schedule.after_step(self.progress.step)
        if self.progress.step % len(self.loader) == 0:
            self.weighter.after_epoch()

        if statistics:
            self._log_step(gradients)
            self.timer.start(self.progress.step)
        for logger in self.loggers:
            logger.progress(self.progress.step)

    def _log_step(self, gradients: Gradients) -> None:
        """One row of losses, weights and gradient statistics."""
        row = self._by_task(gradients.losses, "train/loss/") | self._by_task(gradients.weights, "weight/")
        row |= {f"weighter/{key}": value for key, value in self.weighter.diagnostics().items()}
        row |= self.objective.measured()
        self._log("gradients", row | gradient_stats(gradients, self.names))

    def _evaluate(self) -> None:
        """Evaluates the model and saves it as the last state, and as the best one if it is."""
        step = self.progress.step
        self.timer.stop(step)
        distributed.average_buffers(self.model)
        try:
            scores = self.evaluator.run(self.model, self.evaluating, clock=self.clock)
        except DivergedError as error:
            self._end_if(divergence(self.progress, error.task))
            raise
        row = {"epoch": step / len(self.loader)} | self._by_task(self.progress.mean_losses(), "train/mean_loss/")
        self._log("metrics", row | as_row(scores, self.tasks, self.baseline))
        evaluation = {"step": step, "scores": scores, "selection": selection_score(scores, self.tasks)}
        if self.progress.scored(evaluation) and distributed.rank() == 0:
            save_checkpoint({"model": self.model.state_dict(), **evaluation}, self.folder / "best.pt")
        self._save()
        self.timer.start(step)

    def _end_if(self, failed: str | None) -> None:
        """Ends the run with an error if there is a reason; the checkpoint keeps it."""
        if failed:
            self.progress.failure = failed
            self._save()
            raise NotTrainedError(f"{self.folder}: {failed}")

    def evaluating(self, done: int, batches: int) -> None:
        """Tells the loggers how many batches of an evaluation are done; after a signal, ends it for now."""
        for logger in self.loggers:
            logger.evaluating(done, batches)
        if self.interrupts.received:
            self._save()
        self.interrupts.exit_if_received()

    def _save(self) -> None:
        if distributed.rank() == 0:
            self.state.save()
        self.save_by = time.monotonic() + 60 * self.plan.checkpoint_minutes

    def _by_task(self, values: Tensor, prefix: str = "") -> dict[str, float]:
        return {f"{prefix}{name}": value for name, value in zip(self.names, values.tolist(), strict=True)}

    def _log(self, kind: Kind, row: Mapping[str, float | str]) -> None:
        for logger in self.loggers:
            logger.log(kind, self.progress.step, row)
