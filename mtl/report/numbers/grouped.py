"""Groups of lines with the same names."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import pandas as pd

Lines = TypeVar("Lines", pd.DataFrame, pd.Series)


def grouped(lines: Lines, names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Lines]]:
    """The distinct values of some columns or index levels, in order of appearance, each with the lines that have them.

    Args:
        lines: Frame or series.
        names: Columns or index levels, all of them text.
    """
    for key, own in lines.groupby([*names], sort=False):
        yield tuple(map(str, key)), own  # pyright: ignore[reportReturnType]  own has the type of lines
