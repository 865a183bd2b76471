"""Provenance of a table row: its runs, and the command that repeats each."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mtl.report.names import ROW
from mtl.report.numbers.grouped import grouped

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
        records: Seed and link of each committed record.
    """

    tasks: str
    folder: str
    hash: str
    seeds: str
    command: str
    records: list[tuple[str, str]]


class Origin(NamedTuple):
    """Provenance of a row.

    Args:
        networks: One network, or one per task.
        facts: Commit, device, protocol and steps of their runs.
    """

    networks: list[Network]
    facts: Facts


def origins(lines: pd.DataFrame, records: Path) -> dict[tuple[str, ...], Origin]:
    """Provenance of every row of a table.

    Args:
        lines: Its runs, one line each, all as text.
        records: Folder of its committed records, `<results>/records/<experiment>_<dataset>`; it may be missing.
    """
    if lines.empty:
        return {}
    return {
        row: Origin(
            [_network(folder, runs, records) for (folder,), runs in grouped(own, ["run"])],
            facts(own, digits=None),
        )
        for row, own in grouped(lines, ROW)
    }


def _network(folder: str, runs: pd.DataFrame, records: Path) -> Network:
    first = runs.iloc[0]
    tasks = first["tasks"].replace("+", ", ").replace("_", " ")
    paths = [(seed, records / folder / f"seed{seed}.json") for seed in sorted(runs["seed"], key=int)]
    stored = [(seed, path.relative_to(records.parents[1]).as_posix()) for seed, path in paths if path.exists()]
    return Network(tasks, folder, first["hash"], seeds_of(runs), first["command"], stored)


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
