"""Progress and results for a person at a terminal, or plain lines in a file."""

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
    """A bar with the time left on a terminal; elsewhere a line every tenth of the run."""

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.start = time.monotonic()
        self.first = 0  # steps done before this process
        self.bar = tqdm(total=steps, unit="step", disable=not sys.stderr.isatty(), dynamic_ncols=True)
        if not self.bar.disable:
            self.bar.write(name, file=sys.stderr)  # beside the bar it would leave no room for it

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Prints the primary metric of each task, the first one, at an evaluation; everything else is for files."""
        if kind == "metrics":
            shown: dict[str, tuple[str, float]] = {}
            for key, value in values.items():
                if key.startswith("val/"):
                    shown.setdefault(key.split("/")[1], (key.removeprefix("val/"), value))
            self.say(f"step {step}: " + ", ".join(f"{k} {v:.4g}" for k, v in shown.values() if not math.isnan(v)))

    def resume(self, step: int) -> None:
        """Shows where the run continues."""
        self.first = step
        self.bar.update(step)
        self.say(f"continues after step {step}")

    def progress(self, step: int) -> None:
        """Moves the bar, or prints a line now and then."""
        if not self.bar.disable:
            self.bar.update(step - self.bar.n)
        elif step % max(self.steps // 10, 1) == 0:
            left = (time.monotonic() - self.start) / (step - self.first) * (self.steps - step)
            self.say(f"step {step}/{self.steps}, {timedelta(seconds=round(left))} left")

    def close(self) -> None:
        """Ends the bar."""
        self.bar.close()

    def say(self, line: str) -> None:
        """Prints a line above the bar."""
        self.bar.write(f"{self.name}: {line}", file=sys.stderr)
