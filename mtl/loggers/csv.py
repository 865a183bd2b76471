"""Writes rows to CSV files, one per series; tables and figures are made from them."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from mtl.files import naming, warn, write_whole
from mtl.loggers.base import Kind, Logger


class CSVLogger(Logger):
    """Writes `metrics.csv` and `gradients.csv` in the run folder, row by row; NaN becomes an empty cell."""

    def __init__(self, folder: Path, name: str, steps: int, config: Mapping[str, Any]) -> None:
        super().__init__(folder, name, steps, config)
        self.files = {}

    def resume(self, step: int) -> None:
        """Drops the rows after `step`; later rows are appended with the same columns."""
        for path in [self.folder / f"{kind}.csv" for kind in get_args(Kind)]:
            if not path.exists():
                continue
            header, *rows = path.read_text("utf-8-sig", errors="replace").splitlines(keepends=True) or [""]
            names = header.removesuffix("\n")
            if names == header or not (names.startswith("step,") and names.isprintable()):
                warn(f"{path} is damaged: it has only the rows after step {step}")
                path.unlink()
                continue
            ended = [(row, _cells(row)) for row in rows if row.endswith("\n")]
            whole = [(row, cells) for row, cells in ended if len(cells) == len(_cells(header)) and cells[0].isdecimal()]
            kept = [row for row, cells in whole if int(cells[0]) <= step]
            write_whole(path, "".join([header, *kept]))
            self._open(path, _cells(header), "a")

    def log(self, kind: Kind, step: int, values: Mapping[str, float | str]) -> None:
        """Appends the row and flushes the file."""
        if kind not in self.files:
            self._open(self.folder / f"{kind}.csv", ["step", *values], "w")
            self.files[kind][1].writeheader()
        file, writer = self.files[kind]
        with naming(Path(file.name)):
            writer.writerow({"step": step, **{key: _cell(value) for key, value in values.items()}})
            file.flush()

    def close(self) -> None:
        """Closes the files."""
        for file, _ in self.files.values():
            with naming(Path(file.name)):
                file.close()

    def _open(self, path: Path, keys: list[str], mode: str) -> None:
        file = open(path, mode, newline="", encoding="utf-8")  # noqa: SIM115  closed by close
        self.files[path.stem] = file, csv.DictWriter(file, keys, extrasaction="ignore", lineterminator="\n")


def _cells(line: str) -> list[str]:
    return next(csv.reader([line.replace("\0", "")]), [])


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.7g}"
