"""Base class of loggers for tracking services: a resumed run continues there, and no row is sent twice."""

import importlib
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, get_args

from mtl.files import read_json, warn, write_json
from mtl.loggers.base import Kind, Logger
from mtl.places import install


class Tracker(Logger):
    """Sends rows to a tracking service, from which rows cannot be deleted.

    `<word>.json` in the run folder keeps the service's id of the run and the last step sent of each series. A resumed
    run therefore continues under the same id, and rows that are computed again are not sent again. With `force=true`
    the folder is new, and so is the run on the service.

    Args:
        folder: The run folder.
        name: Name of the run.
        steps: Length of the run in optimizer steps.
        config: The resolved config.

    Raises:
        ValueError: The package is not installed, or the service rejects the run.
    """

    word: ClassVar[str]  # on the command line; the package and the extra that installs it have the same name

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.package = self._import()
        self.path = folder / f"{self.word}.json"
        self.sent = self._sent()
        self.step = 0
        with self._errors():
            self.sent["id"] = self.start(self.sent.get("id"))
        write_json(self.path, self.sent)

    @property
    @abstractmethod
    def error(self) -> type[Exception]:
        """What the package raises if the service rejects a request or cannot be reached."""

    @abstractmethod
    def start(self, run_id: str | None) -> str:
        """Starts a run on the service, or resumes the one with this id; returns its id."""

    @abstractmethod
    def send(self, kind: Kind, step: int, values: Mapping[str, float]) -> None:
        """Sends one row without NaN."""

    @abstractmethod
    def finish(self, complete: bool) -> None:
        """Ends the run on the service; `complete` is False if it was interrupted or failed."""

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Sends the numbers of the row, unless an interrupted process has already sent them."""
        if step <= self.sent.get(kind, 0):
            return
        numbers = {key: value for key, value in values.items() if not (isinstance(value, str) or math.isnan(value))}
        with self._errors():
            self.send(kind, step, numbers)
        self.sent[kind] = step
        write_json(self.path, self.sent)

    def resume(self, step: int) -> None:
        """Records the current step."""
        self.step = step

    def progress(self, step: int) -> None:
        """Records the current step."""
        self.step = step

    def close(self) -> None:
        """Ends the run on the service."""
        with self._errors():
            self.finish(complete=self.step == self.steps)

    def _sent(self) -> dict[str, Any]:
        """Id of the run, and last step sent by series; empty for a run that is not known there."""
        try:
            return (
                read_json(self.path, {"id": str, **{f"{kind}?": int for kind in get_args(Kind)}})
                if self.path.exists()
                else {}
            )
        except ValueError as error:
            warn(f"{error}: {self.word} gets a new run")
            return {}

    def _import(self) -> Any:
        try:
            return importlib.import_module(self.word)
        except ModuleNotFoundError as error:
            if error.name != self.word:
                raise
            raise ValueError(f"logger={self.word}: not installed; {install(self.word)}") from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self.error as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
            raise ValueError(f"logger={self.word}: {reason}; to train without it: logger=csv") from error
