"""Shows progress and results on a terminal, or as plain lines in a file."""

import math
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mtl.loggers.base import Kind, Logger

LINE_SECONDS = 60


class ConsoleLogger(Logger):
    """A progress bar on a terminal; elsewhere, a line after every tenth of the run."""

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.start = time.monotonic()
        self.first = 0  # steps done before this process
        self.evaluation: tuple[float, int] | None = None  # time and number of its first batch
        self.said = 0.0  # time of the last line about it
        self.bar = tqdm(total=steps, unit="step", disable=not sys.stderr.isatty(), dynamic_ncols=True)
        if not self.bar.disable:
            self.bar.write(name, file=sys.stderr)  # in front of the bar, it would take up the line

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Prints the first (primary) metric of each task after an evaluation; ignores other rows."""
        if kind == "metrics":
            shown: dict[str, tuple[str, Any]] = {}  # numbers
            for key, value in values.items():
                if key.startswith("val/"):
                    shown.setdefault(key.split("/")[1], (key.removeprefix("val/"), value))
            self.say(f"step {step}: " + ", ".join(f"{k} {v:.4g}" for k, v in shown.values() if not math.isnan(v)))

    def resume(self, step: int) -> None:
        """Shows the step at which the run resumes."""
        self.first = step
        self.bar.update(step)
        self.say(f"resumes after step {step}")

    def progress(self, step: int) -> None:
        """Updates the bar, or prints a line after every tenth of the run."""
        if not self.bar.disable:
            self.bar.update(step - self.bar.n)
        elif step % max(self.steps // 10, 1) == 0:
            left = (time.monotonic() - self.start) / (step - self.first) * (self.steps - step)
            self.say(f"step {step}/{self.steps}, {timedelta(seconds=round(left))} left")

    def evaluating(self, done: int, batches: int) -> None:
        """Shows next to the bar how far the evaluation is; elsewhere prints a line every minute."""
        now = time.monotonic()
        if self.evaluation is None:
            self.evaluation, self.said = (now, done), now
        start, first = self.evaluation
        if done == batches:
            self.evaluation = None
            self.bar.set_postfix_str("")
        elif done > first:
            left = timedelta(seconds=round((now - start) / (done - first) * (batches - done)))
            self.bar.set_postfix_str(f"evaluates batch {done}/{batches}, {left} left")
            if self.bar.disable and now - self.said >= LINE_SECONDS:
                self.said = now
                self.say(f"evaluates batch {done}/{batches}, {left} left")

    def close(self) -> None:
        """Closes the bar."""
        self.bar.close()

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self.bar.write(f"{self.name}: {line}", file=sys.stderr)
