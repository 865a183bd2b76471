"""Sends rows to Weights & Biases, https://docs.wandb.ai."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from mtl.loggers.base import Kind
from mtl.loggers.tracker import Tracker


class WandbLogger(Tracker):
    """One run of a project; seeds of the same config form a group. Local files are in `wandb/` in the run folder.

    After kill -9, rows that wandb's own process had not yet stored are missing there; the CSV files have them.

    Args:
        folder: The run folder.
        name: Name of the run.
        steps: Length of the run in optimizer steps.
        config: The resolved config.
        project: Name of the project.
    """

    word = "wandb"

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any], project: str) -> None:
        self.project = project
        super().__init__(folder, name, steps, config)

    @property
    def error(self) -> type[Exception]:
        """What wandb raises, for example without a login."""
        return self.package.Error

    def start(self, run_id: str | None) -> str:
        """Starts or resumes the run, with optimizer steps as the x-axis of charts."""
        self.run = self.package.init(
            project=self.project,
            group=self.name.split("/")[0],
            name=self.name,
            config=dict(self.config),
            dir=str(self.folder),
            id=run_id,
            resume="allow",
        )
        self.run.define_metric("*", step_metric="step")
        return self.run.id

    def send(self, kind: Kind, step: int, values: Mapping[str, float]) -> None:
        """Logs the row immediately, as a separate entry.

        wandb drops an entry whose step number does not rise, and both series can have a row at the same step.
        """
        kinds = get_args(Kind)
        self.run.log({"step": step, **values}, step=step * len(kinds) + kinds.index(kind), commit=True)

    def finish(self, complete: bool) -> None:
        """Marks the run finished, or failed."""
        self.run.finish(exit_code=0 if complete else 1)
