"""The interface of a logger."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Kind = Literal["gradients", "metrics"]  # rows of one step of training, and of one evaluation


class Logger(ABC):
    """Receives rows of named numbers.

    Args:
        folder: The run folder.
        name: Unique name of the run, `<dataset>_<backbone>_<model>_<weighter>_<tasks>-<hash>/seed<k>`.
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
        """Logs one row.

        Args:
            kind: Series of the row; all rows of a series have the same keys.
            step: Number of optimizer steps done.
            values: Numbers by key, such as `train/loss/depth` or `val/depth/rmse`; NaN for a missing number. The two
                series have no key in common. Rows of metrics also have the text `presets`, the protocols of the tasks.
        """

    def resume(self, step: int) -> None:  # noqa: B027  here and below, doing nothing is a sensible default
        """Called before the first row if the run resumes after `step`; rows of later steps are logged again."""

    def say(self, line: str) -> None:  # noqa: B027
        """Shows a message to the user."""

    def progress(self, step: int) -> None:  # noqa: B027
        """Called after `step` optimizer steps."""

    def evaluating(self, done: int, batches: int) -> None:  # noqa: B027
        """Called during an evaluation, after `done` of its batches."""

    def close(self) -> None:  # noqa: B027
        """Called at the end of the run."""
