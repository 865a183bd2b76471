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


class ConsoleLogger(Logger):
    """A progress bar on a terminal; elsewhere, a line after every tenth of the run."""

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.start = time.monotonic()
        self.first = 0  # steps done before this process
        self.bar = tqdm(total=steps, unit="step", disable=not sys.stderr.isatty(), dynamic_ncols=True)
        if not self.bar.disable:
            self.bar.write(name, file=sys.stderr)  # in front of the bar, it would take up the line

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Prints the first (primary) metric of each task after an evaluation; ignores other rows."""
        if kind == "metrics":
            shown: dict[str, tuple[str, float]] = {}
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

    def close(self) -> None:
        """Closes the bar."""
        self.bar.close()

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self.bar.write(f"{self.name}: {line}", file=sys.stderr)
