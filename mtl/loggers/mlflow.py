"""Sends rows to MLflow, https://mlflow.org."""

import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mtl.files import hold
from mtl.loggers.base import Kind
from mtl.loggers.tracker import Tracker

BATCH, LONGEST = 100, 6000  # MLflow's limits: parameters per call, and characters per parameter


class MLflowLogger(Tracker):
    """One run of an experiment, with the resolved config as parameters by dotted key.

    Args:
        folder: The run folder.
        name: Name of the run.
        steps: Length of the run in optimizer steps.
        config: The resolved config.
        uri: Address of the tracking server or database.
        experiment: Name of the experiment; it is created if it does not exist.
    """

    word = "mlflow"

    def __init__(
        self, folder: Path, name: str, steps: int, config: Mapping[str, Any], uri: str, experiment: str
    ) -> None:
        self.uri, self.experiment = uri, experiment
        super().__init__(folder, name, steps, config)

    @property
    def error(self) -> type[Exception]:
        """What MLflow raises, for example if no server responds."""
        return self.package.MlflowException

    def start(self, run_id: str | None) -> str:
        """Creates the run with the config as its parameters, or reopens it."""
        database = self.uri.removeprefix("sqlite:///")
        # the first process creates the tables; MLflow does not lock them against a second process
        with hold(Path(f"{database}.lock")) if database != self.uri else nullcontext():
            self.client = self.package.MlflowClient(self.uri)
            experiment = self._find_experiment()
        if run_id is not None:
            self.client.update_run(run_id, status="RUNNING")
            return run_id
        created = self.client.create_run(experiment, run_name=self.name).info.run_id
        params = [self.package.entities.Param(key, str(value)[:LONGEST]) for key, value in leaves(self.config)]
        for first in range(0, len(params), BATCH):
            self.client.log_batch(created, params=params[first : first + BATCH])
        return created

    def send(self, kind: Kind, step: int, values: Mapping[str, float]) -> None:
        """Sends the row as metrics of the step."""
        now = int(1000 * time.time())  # milliseconds
        metrics = [self.package.entities.Metric(key, value, now, step) for key, value in values.items()]
        self.client.log_batch(self.sent["id"], metrics=metrics)

    def finish(self, complete: bool) -> None:
        """Marks the run finished, or killed."""
        self.client.set_terminated(self.sent["id"], "FINISHED" if complete else "KILLED")

    def _find_experiment(self) -> str:
        try:
            return self.client.create_experiment(self.experiment)
        except self.error:
            if found := self.client.get_experiment_by_name(self.experiment):
                return found.experiment_id
            raise


def leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Values of the config by dotted key."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
