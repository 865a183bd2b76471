"""Where the numbers of a row come from: the runs behind it, and the command that repeats each."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from mtl.report.names import ROW

FACTS = ("commit", "device", "protocol", "steps")  # columns of a summary
SHORT = 10  # digits of a commit where there are several

Facts = list[tuple[str, str]]  # name and value


class Network(NamedTuple):
    """A network of a row.

    Args:
        tasks: Its tasks.
        folder: Its folder below `runs`, without the seed.
        hash: Of its config.
        seeds: Of its runs.
        command: What trains it, with its first seed.
    """

    tasks: str
    folder: str
    hash: str
    seeds: str
    command: str


class Origin(NamedTuple):
    """What is behind a row.

    Args:
        networks: One, or one for each task.
        facts: Commit, device, protocol and steps of their runs.
    """

    networks: list[Network]
    facts: Facts


def origins(lines: pd.DataFrame) -> dict[tuple[str, ...], Origin]:
    """What is behind every row of a table.

    Args:
        lines: Its runs, a line for each, all as text.
    """
    if lines.empty:
        return {}
    return {
        tuple(row): Origin(
            [_network(folder, runs) for folder, runs in own.groupby("run", sort=False)], facts(own, digits=None)
        )
        for row, own in lines.groupby(ROW, sort=False)
    }


def _network(folder: str, runs: pd.DataFrame) -> Network:
    first = runs.iloc[0]
    tasks = first["tasks"].replace("+", ", ").replace("_", " ")
    return Network(tasks, folder, first["hash"], seeds_of(runs), first["command"])


def facts(lines: pd.DataFrame, digits: int | None = SHORT) -> Facts:
    """Commit, device, protocol and steps of some runs, each value once.

    Args:
        lines: The runs, all as text.
        digits: How much of a commit to show; None: all.
    """
    known = lines.assign(commit=lines["commit"].str[:digits])
    return [(column, _listed(known[column])) for column in FACTS]


def seeds_of(lines: pd.DataFrame) -> str:
    """The seeds of some runs."""
    return ", ".join(map(str, sorted({int(seed) for seed in lines["seed"]})))


def _listed(values: Iterable[str]) -> str:
    """Each value once, in the order in which they come."""
    return ", ".join(value for value in dict.fromkeys(values) if value) or "none recorded"
