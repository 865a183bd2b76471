"""Reads tables, summaries, notes and statistics of experiments from a results folder."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl.report.names import ROW, notation, primary
from mtl.report.read.frame import read_frame, readable
from mtl.report.render.text import Metrics, notes

NUMBERS = ("ours/", "std/", "paper/", "difference/", "last/", "rank/", "weight/", "printed/", "cost/", "runs/")
PARTS = ("Without a network", "Statistics")  # sections below the notes of a Markdown file
PROBE = "Probe: "  # beginning of a note
HEADING = re.compile("\n## (.+)\n")


class Part(NamedTuple):
    """A part of a Markdown file below its table.

    Args:
        title: Its heading.
        header: Headers of its table; empty if it has none.
        rows: Cells of the table.
        notes: Its text, a paragraph or list item each.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str]


def read_table(path: Path) -> pd.DataFrame:
    """Reads a CSV file written from `text.flat` back into the form of `numbers.table`.

    Args:
        path: `tables/<experiment>_<dataset>.csv`.

    Raises:
        ValueError: It is damaged.
    """
    columns, text = [*ROW, "noise/delta_m", "runs/seeds"], dict.fromkeys(ROW, str)
    found = read_frame(path, columns, NUMBERS, dtype=text, keep_default_na=False, na_values=[""])
    if strange := [column for column in found.columns if column not in ROW and "/" not in column]:
        raise ValueError(f"{path} is damaged (it has a column {strange[0]})")
    found = found.fillna(dict.fromkeys(ROW, "")).set_index(ROW)
    found.columns = pd.MultiIndex.from_tuples([tuple(column.split("/", 1)) for column in found.columns])
    for key in [*tasks_of(found), "delta_m"]:  # empty columns are not in the file
        for group in {"ours", "std"} - {group for group, known in found.columns if known == key}:
            found[group, key] = np.nan
    return found


def tasks_of(table: pd.DataFrame) -> list[str]:
    """The tasks of a table, in order."""
    return [key for group, key in table.columns if group == "noise" and key != "delta_m"]


def read_lines(path: Path) -> pd.DataFrame:
    """Reads a summary as text, one line per run; empty frame if the file is missing or damaged."""
    columns = [*ROW, "run", "seed", "tasks", "steps", "device", "commit", "protocol", "command"]
    return next(iter(readable([path] * path.exists(), columns, dtype=str, keep_default_na=False)), pd.DataFrame())


def metrics_of(table: pd.DataFrame, lines: pd.DataFrame, paper: pd.DataFrame) -> Metrics:
    """Primary metric of each task of a table.

    Args:
        table: A table.
        lines: Its runs, from `read_lines`.
        paper: Frame of the paper's scores, for tasks without a run.
    """
    known = dict(zip(paper["task"], paper["metric"], strict=True))
    filled = [column for column in lines.columns if (lines[column] != "").any()]
    known |= {task: metric for task in tasks_of(table) if (metric := primary(task, filled))}
    return {
        task: (known[task], notation(task, known[task]).higher_is_better) for task in tasks_of(table) if task in known
    }


def read_remarks(path: Path, table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Notes on the experiment and notes on its table, from the list below the table in its Markdown file.

    Notes on a probe are left to `read_parts`.

    Args:
        path: `tables/<experiment>_<dataset>.md`; if it is missing, the general notes are returned.
        table: The table.
    """
    reading = notes(table, "the single-task networks")
    lines = [line for line in _listed(path) if not line.startswith(PROBE)] or reading
    first = reading[0].partition(":")[0]
    start = next((place for place, line in enumerate(lines) if line.startswith(f"{first}:")), len(lines))
    return lines[:start], lines[start:]


def read_parts(path: Path) -> list[Part]:
    """Scores without a network, notes on a probe, and statistics, those that the Markdown file of a table has."""
    sections = _sections(path)
    floors, statistics = ([_part(title, sections[title])] if title in sections else [] for title in PARTS)
    found = [line.removeprefix(PROBE) for line in _listed(path) if line.startswith(PROBE)]
    probe = [Part("Probe", [], [], [line[:1].upper() + line[1:] for line in found])] * bool(found)
    return [*floors, *probe, *statistics]


def _listed(path: Path) -> list[str]:
    """The items of the list below the table."""
    text = "\n".join(body for title, body in _sections(path).items() if title not in (*PARTS, "Runs"))
    return [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]


def _sections(path: Path) -> dict[str, str]:
    """Heading -> text of its section; the text above the first heading has the heading ""."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    first, *others = HEADING.split(text)
    return {"": first, **dict(zip(others[::2], others[1::2], strict=True))}


def _part(title: str, text: str) -> Part:
    lines = [line for line in text.splitlines() if line and not line.startswith("![")]
    header, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[0] == "|"] or [[]]
    return Part(title, header, rows[1:], [line.removeprefix("- ") for line in lines if line[0] != "|"])
