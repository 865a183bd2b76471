"""Rows as CSV files, one per series: what tables and figures are made from."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from mtl.loggers.base import Kind, Logger


class CSVLogger(Logger):
    """Writes `metrics.csv` and `gradients.csv` into the run folder, a row at a time; NaN is an empty cell."""

    def __init__(self, folder: Path, name: str, steps: int) -> None:
        super().__init__(folder, name, steps)
        self.files = {}

    def log(self, kind: Kind, step: int, values: Mapping[str, float]) -> None:
        """Appends the row and hands it to the operating system at once."""
        if kind not in self.files:
            file = open(self.folder / f"{kind}.csv", "w", newline="")  # noqa: SIM115  closed by close
            self.files[kind] = file, csv.DictWriter(file, ["step", *values])
            self.files[kind][1].writeheader()
        file, writer = self.files[kind]
        cells = {key: "" if math.isnan(value) else f"{value:.7g}" for key, value in values.items()}
        writer.writerow({"step": step, **cells})
        file.flush()

    def close(self) -> None:
        """Closes the files."""
        for file, _ in self.files.values():
            file.close()
