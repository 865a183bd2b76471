"""The contract of a logger."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Kind = Literal["gradients", "metrics"]  # rows of one step of training, and of one evaluation


class Logger(ABC):
    """Takes rows of named numbers.

    Args:
        folder: The run folder.
        name: Name of the run, `<dataset>_<backbone>_<model>_<weighter>_<tasks>-<hash>/seed<k>`: no other run has it.
        steps: Length of the run in optimizer steps.
        config: The resolved config.
    """

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        self.folder = folder
        self.name = name
        self.steps = steps
        self.config = config

    @abstractmethod
    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Takes one row.

        Args:
            kind: Which series the row belongs to; all rows of a series have the same keys.
            step: Optimizer steps done.
            values: Numbers by key, such as `train/loss/depth` or `val/depth/rmse`; NaN where there is none. No key is
                in both series. Of metrics also the text `presets`, by which the tasks were judged.
        """

    def resume(self, step: int) -> None:  # noqa: B027  most loggers have nothing to do here and below
        """Called before the first row when the run continues behind `step`: later rows will come again."""

    def say(self, line: str) -> None:  # noqa: B027
        """Tells a person something that is no row."""

    def progress(self, step: int) -> None:  # noqa: B027
        """Called when `step` optimizer steps are done."""

    def close(self) -> None:  # noqa: B027
        """Called when the run has ended."""
