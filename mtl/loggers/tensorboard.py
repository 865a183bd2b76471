"""Writes rows as TensorBoard scalars."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl.files import naming
from mtl.loggers.base import Kind, Logger

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardLogger(Logger):
    """Writes event files in the run folder; `tensorboard --logdir results/runs` compares runs."""

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.writer: SummaryWriter | None = None

    def resume(self, step: int) -> None:
        """Hides the scalars after `step` that an interrupted process has written."""
        self.writer = self._open(purge_step=step + 1)

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Adds one scalar per key; ignores text."""
        self.writer = self.writer or self._open()
        for key, value in values.items():
            if not (isinstance(value, str) or math.isnan(value)):
                with naming(self.folder):
                    self.writer.add_scalar(key, value, step)

    def close(self) -> None:
        """Flushes and closes the event file."""
        if self.writer:
            with naming(self.folder):
                self.writer.close()

    def _open(self, purge_step: int | None = None) -> "SummaryWriter":
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  slow to import

        return SummaryWriter(str(self.folder), purge_step=purge_step)
