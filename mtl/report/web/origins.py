"""Provenance of a table row: its runs, and the command that repeats each."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from mtl.report.names import ROW

FACTS = ("commit", "device", "protocol", "steps")  # columns of a summary
SHORT = 10  # digits of a commit in a list of several

Facts = list[tuple[str, str]]  # name and value


class Network(NamedTuple):
    """A network of a row.

    Args:
        tasks: Its tasks.
        folder: Its folder in `runs`, without the seed.
        hash: Hash of its config.
        seeds: Seeds of its runs.
        command: Command that trains it with its first seed.
    """

    tasks: str
    folder: str
    hash: str
    seeds: str
    command: str


class Origin(NamedTuple):
    """Provenance of a row.

    Args:
        networks: One network, or one per task.
        facts: Commit, device, protocol and steps of their runs.
    """

    networks: list[Network]
    facts: Facts


def origins(lines: pd.DataFrame) -> dict[tuple[str, ...], Origin]:
    """Provenance of every row of a table.

    Args:
        lines: Its runs, one line each, all as text.
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
    """Commit, device, protocol and steps of the runs, without repetition.

    Args:
        lines: The runs, all as text.
        digits: Digits of a commit to show; None: all.
    """
    known = {"commit": lines["commit"].str[:digits], "protocol": lines["protocol"].str.split().explode().dropna()}
    return [(column, _listed(known.get(column, lines[column]))) for column in FACTS]


def seeds_of(lines: pd.DataFrame) -> str:
    """Sorted seeds of the runs."""
    return ", ".join(map(str, sorted({int(seed) for seed in lines["seed"]})))


def _listed(values: Iterable[str]) -> str:
    """The distinct values, in order of appearance."""
    return ", ".join(value for value in dict.fromkeys(values) if value) or "none recorded"
