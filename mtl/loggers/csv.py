"""Writes rows to CSV files, one per series; tables and figures are made from them."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from mtl.files import write_whole
from mtl.loggers.base import Kind, Logger


class CSVLogger(Logger):
    """Writes `metrics.csv` and `gradients.csv` in the run folder, row by row; NaN becomes an empty cell."""

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.files = {}

    def resume(self, step: int) -> None:
        """Drops the rows after `step`; later rows are appended with the same columns."""
        for path in [self.folder / f"{kind}.csv" for kind in get_args(Kind)]:
            if path.exists():
                header, *rows = path.read_text().splitlines(keepends=True)
                kept = [row for row in rows if row.endswith("\n") and int(row.split(",", 1)[0]) <= step]
                write_whole(path, "".join([header, *kept]))
                self._open(path, header.rstrip("\n").split(","), "a")

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Appends the row and flushes the file."""
        if kind not in self.files:
            self._open(self.folder / f"{kind}.csv", ["step", *values], "w")
            self.files[kind][1].writeheader()
        file, writer = self.files[kind]
        writer.writerow({"step": step, **{key: _cell(value) for key, value in values.items()}})
        file.flush()

    def close(self) -> None:
        """Closes the files."""
        for file, _ in self.files.values():
            file.close()

    def _open(self, path: Path, keys: list[str], mode: str) -> None:
        file = open(path, mode, newline="")  # noqa: SIM115  closed by close
        self.files[path.stem] = file, csv.DictWriter(file, keys, extrasaction="ignore", lineterminator="\n")


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.7g}"
