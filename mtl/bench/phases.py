"""Measures a training run: images per second, and the share of each phase in a step."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, cast
from unittest.mock import patch

import torch

from mtl.engine import accumulation, heads
from mtl.engine.trainer import Trainer

PHASES = ("data", "forward", "heads", "weighter", "encoder", "optimizer")
# Function of the engine: where it is looked up, the phase that ends when it is called, and the one that its call ends.
BORDERS = (
    (accumulation, "differentiate", "forward", "heads"),
    (accumulation, "decide", None, "weighter"),
    (heads.HeadGraph, "differentiate_sum", None, "heads"),
    (accumulation, "apply", None, "encoder"),
)


class Phases:
    """A clock for `Trainer` that times whole steps first, and then each phase of some more steps.

    - `data`: waiting for the next batch
    - `forward`: the batch to the device, encoder, heads and losses
    - `heads`: backward, from the losses to the features
    - `weighter`: the task gradients at its scope, their Gramian, and the rule
    - `encoder`: backward, from the features to the first layer
    - `optimizer`: clipping, the check for numbers that are not finite, and the step

    The device is idle at the border between two phases, so phases together take longer than a step that is timed as a
    whole: on a GPU, launching kernels is not hidden behind computing.

    Args:
        device: Device of the trainer.
        skipped: Steps before the measurement, at least 1.
        whole: Steps to time as a whole; the steps after these are timed by phase.
    """

    def __init__(self, device: torch.device, skipped: int, whole: int) -> None:
        self.device, self.skipped, self.whole = device, skipped, whole
        self.step = 0
        self.step_seconds = 0.0  # of one step, without waiting for the device between phases
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        self._since = 0.0

    def lap(self, part: str) -> None:
        """Called by the trainer: a batch has arrived (`data`), or a step has ended (`training`)."""
        if part == "data":
            self.end("data")
        if part == "training":
            self.end("optimizer")
            self.step += 1
            if self.step in (self.skipped, self.skipped + self.whole):
                now = self._now()
                self.step_seconds = (now - self._since) / self.whole
                self._since = now

    def end(self, phase: str) -> None:
        """Ends a phase, if this step is timed by phase."""
        if self.step >= self.skipped + self.whole:
            now = self._now()
            self.seconds[phase] += now - self._since
            self._since = now

    def shares(self) -> dict[str, float]:
        """Share of each phase in the time of a step, such as `data_share`."""
        total = sum(self.seconds.values())
        return {f"{phase}_share": seconds / total for phase, seconds in self.seconds.items()}

    @contextmanager
    def borders(self) -> Iterator[None]:
        """Context in which the engine ends phases."""
        with ExitStack() as stack:
            for place, name, before, after in BORDERS:
                stack.enter_context(patch.object(place, name, self._ending(getattr(place, name), before, after)))
            yield

    def _ending(self, function: Callable, before: str | None, after: str) -> Callable:
        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if before:
                self.end(before)
            result = function(*arguments, **named)
            self.end(after)
            return result

        return call

    def _now(self) -> float:
        """Seconds: of the wall clock on a GPU, of this process on the CPU."""
        if self.device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize(self.device)
        return time.perf_counter()


def measure(trainer: Trainer, skipped: int, whole: int) -> dict[str, float]:
    """Trains to the end of the trainer's plan; see `Phases` for the arguments.

    Returns:
        `images_per_second` of this process, peak memory in MiB as in the record of a run, and the share of each phase.
    """
    phases = Phases(trainer.device, skipped, whole)
    trainer.clock = cast("Any", phases)  # the trainer calls lap and no more
    with phases.borders():
        result = trainer.fit()
    images = (trainer.loader.batch_size or 1) / phases.step_seconds
    return {"images_per_second": images, "peak_memory_mib": result["peak_memory_mib"]} | phases.shares()
