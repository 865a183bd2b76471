"""Reads CSV files; one that is damaged is named."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.files import warn


def read_frame(
    path: Path, columns: Sequence[str] = (), numbers: Sequence[str] = (), printed: Sequence[str] = (), **options: Any
) -> pd.DataFrame:
    """Reads a CSV file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        columns: Columns that it must have.
        numbers: Beginnings of the names of columns that must be numeric.
        printed: Columns of text in which every cell must be empty or a number.
        options: As for `pandas.read_csv`.

    Raises:
        ValueError: It is damaged.
    """
    content = path.read_bytes()
    try:
        if not content.endswith(b"\n"):
            raise ValueError("it ends within a line" if content else "it is empty")
        found = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", **options)
        if lacking := [column for column in columns if column not in found.columns]:
            raise ValueError(f"it has no column {lacking[0]}")
        for column in found.columns:
            if str(column).startswith(tuple(numbers)) and not pd.api.types.is_numeric_dtype(found[column]):
                raise ValueError(f"its column {column} has text")
        for column in printed:
            cells = found[column][found[column] != ""]
            if wrong := cells[pd.to_numeric(cells, errors="coerce").isna()].tolist():
                raise ValueError(f"its column {column} has {wrong[0]!r}, not a number")
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path} is damaged ({' '.join(str(error).split())})") from error
    return found


def readable(paths: Iterable[Path], *arguments: Any, **options: Any) -> list[pd.DataFrame]:
    """Reads CSV files as `read_frame` does; damaged ones are left out with a warning."""
    frames = []
    for path in paths:
        try:
            frames.append(read_frame(path, *arguments, **options))
        except (ValueError, OSError) as error:
            warn(f"{error}; it is left out: make it again with scripts/reproduce.py")
    return frames


def read_log(folder: Path, columns: Sequence[str] = ()) -> pd.DataFrame | None:
    """The `gradients.csv` of a run; None, with a warning, if it is missing or damaged.

    Args:
        folder: The run folder.
        columns: Columns that it must have.
    """
    path = folder / "gradients.csv"
    try:
        return read_frame(path, ["step", *columns], [""])
    except FileNotFoundError:
        warn(f"{path} is missing: the run has no curves; force=true trains it again")
    except ValueError as error:
        warn(f"{error}: the run has no curves; force=true trains it again")
    return None
