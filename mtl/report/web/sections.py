"""The tables of the page: a section per experiment and dataset, with our numbers or, without runs, the paper's."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mtl.files import warn
from mtl.report.misprints import Finding
from mtl.report.names import DATASETS, ROW, SINGLE_TASK, Row, chosen_on
from mtl.report.numbers.gains import published_baseline
from mtl.report.numbers.table import table_of
from mtl.report.outputs import printed
from mtl.report.read.scores import paper_scores
from mtl.report.web.found import summed_up
from mtl.report.web.grid import Grid, grids
from mtl.report.web.images import Picture, pictures_of
from mtl.report.web.origins import facts, origins, seeds_of
from mtl.report.web.stored import Part, metrics_of, read_lines, read_parts, read_remarks, read_table

TABLES = {"II": "table2", "III": "table3", "IV": "table4", "V": "table5", "VI": "table6", "VII": "table7"}
NUMBERS = {experiment: table for table, experiment in TABLES.items()}
TITLES = {experiment: f"Table {table}" for table, experiment in TABLES.items()} | {
    "grid": "Grid search",
    "controls": "Controls",
    "figure4": "Networks of Fig. 4",
    "figures": "Networks of Figs. 6 to 16",
    "architectures": "Architectures",
    "weighters": "Weighters",
    "demo": "Demo",
}
STUDIES = "Studies"  # title of the experiments that keep records and are not the paper's
NAMES = {  # experiments among them
    "study": "Study",
    "mtan": "MTAN",
    "search": "Search",
    "adam": "Scale of weights and Adam",
    "long": "Six times the steps",
    "longest": "24 times the steps",
}
TARGETS = {"figure4": "figure4-runs", "figures": "figures-runs"}  # make targets that differ from the experiment's name
AS_PRINTED = [
    "These are the paper's numbers; the experiment has not been run.",
    "Δm is recomputed from the printed cells. Bold: best multi-task number of the block.",
]

Planned = Callable[[str], int | None]


class Section(NamedTuple):
    """A table on one dataset.

    Args:
        name: `<experiment>_<dataset>`, the stem of its files.
        title: Heading.
        is_run: Whether there are runs.
        command: Command that trains what is missing.
        networks: Number of trained networks and of planned ones.
        runs: Number of runs, all seeds.
        facts: Seeds, commit, device, protocol and steps of the runs.
        about: Notes on the experiment.
        found: Main results, a sentence for each network.
        blocks: Heading -> tables.
        remarks: Notes that explain the tables.
        footnotes: Misprints of the paper.
        parts: Scores without a network, and statistics.
        pictures: Its figures.
    """

    name: str
    title: str
    is_run: bool
    command: str
    networks: tuple[int, int]
    runs: int
    facts: Sequence[tuple[str, str]]
    about: Sequence[str]
    found: Sequence[str]
    blocks: Mapping[str, list[Grid]]
    remarks: Sequence[str]
    footnotes: Sequence[str]
    parts: Sequence[Part] = ()
    pictures: Sequence[Picture] = ()


def sections(results: Path, paper: Path, findings: Sequence[Finding], planned: Planned) -> dict[str, list[Section]]:
    """Title of every experiment -> its sections: the studies, then the paper's datasets, then others.

    Args:
        results: The results folder.
        paper: Folder of the paper's numbers.
        findings: Checks of the paper's Delta_m.
        planned: Section name -> number of planned networks; None if unknown.
    """
    numbers, words = paper_scores(paper), {name: word for word, name in DATASETS.items()}
    stored = {path.stem: path for path in sorted((results / "tables").glob("*_*.csv")) if is_table(path)}
    wanted = numbers.drop_duplicates(["table", "dataset"])[["table", "dataset"]].itertuples(index=False)
    names = [f"{TABLES[table]}_{words[dataset]}" for table, dataset in wanted]
    groups = {STUDIES: [name for name in stored if _is_study(name, results)]}
    groups[STUDIES].sort(key=lambda name: [not name.startswith("study_"), name.startswith("search_")])
    for experiment, title in TITLES.items():
        groups[title] = [name for name in dict.fromkeys([*names, *stored]) if name.partition("_")[0] == experiment]
    found: dict[str, list[Section]] = {}
    for title, own in groups.items():
        for name in own:
            section = _ours(name, results, paper, findings) if name in stored else _theirs(name, paper, findings)
            there = section.networks[0]
            found.setdefault(title, []).append(section._replace(networks=(there, planned(name) or there)))
    return found


def _is_study(name: str, results: Path) -> bool:
    return (results / "records" / name).exists() and name.partition("_")[0] not in TITLES


def is_table(path: Path) -> bool:
    """Whether a stored file is a table that can be read; a damaged table is left out with a warning."""
    if path.stem.endswith("_statistics"):
        return False
    try:
        read_table(path)
    except ValueError as error:
        warn(f"{error}; it is left out: make it again with scripts/reproduce.py")
        return False
    return True


def _ours(name: str, results: Path, paper: Path, findings: Sequence[Finding]) -> Section:
    """Section of an experiment with runs."""
    path, numbers = results / "tables" / f"{name}.csv", paper_scores(paper)
    table, lines = read_table(path), read_lines(results / "summary" / f"{name}.csv")
    experiment = name.partition("_")[0]
    noted, footnotes = _footnotes(printed(paper, NUMBERS.get(experiment), list(table.index)), findings)
    compared = table.index[table["paper", "delta_m"].notna()] if ("paper", "delta_m") in table else []
    marks = {
        row: noted[*row[:-1], ""] for row in compared if (*row[:-1], "") in noted
    }  # the best variant of a search gets the footnote
    about, remarks = read_remarks(path.with_suffix(".md"), table)
    named = _named(name)
    if _is_study(name, results):
        seeds = f" seed={seeds_of(lines).replace(' ', '')}" * bool(len(lines))
        named["command"] = f"python scripts/reproduce.py experiment={name}{seeds}"
    return Section(
        **named,
        is_run=True,
        networks=(lines["run"].nunique() if len(lines) else 0, 0),
        runs=len(lines),
        facts=[("seeds", seeds_of(lines)), *facts(lines)] if len(lines) else [],
        about=about,
        found=summed_up(table, path.with_name(f"{name}_statistics.csv")),
        blocks=grids(table, metrics_of(table, lines, numbers), origins(lines, results / "records" / name), marks),
        remarks=remarks,
        footnotes=footnotes,
        parts=read_parts(path.with_suffix(".md")),
        pictures=pictures_of(results / "figures", name),
    )


def _theirs(name: str, paper: Path, findings: Sequence[Finding]) -> Section:
    """Section of a paper table without runs: shows the paper's numbers in place of ours."""
    named, numbers = _named(name), paper_scores(paper)
    experiment, _, word = name.partition("_")
    here = numbers[(numbers["table"] == NUMBERS[experiment]) & (numbers["dataset"] == DATASETS[word])]
    rows = [tuple(row) for row in here[ROW].drop_duplicates().itertuples(index=False)]
    single = [tuple(row) for row in numbers[numbers["method"] == SINGLE_TASK][ROW].itertuples(index=False)]
    known = printed(paper, NUMBERS[experiment], [*rows, *single])
    known = known[known["dataset"] == DATASETS[word]].assign(
        seconds=1.0
    )  # placeholder: the paper gives no costs, and none are shown
    table = table_of(known, numbers[:0], rows, published_baseline)
    table["noise"] = False
    marks, footnotes = _footnotes(here, findings)
    weights = [column for column in table.columns if column[0] == "weight"]
    shown = table.drop(columns=[c for c in table.columns if c[0] in ("last", "rank", "cost", "runs")])
    return Section(
        **named,
        is_run=False,
        networks=(0, 0),
        runs=0,
        facts=[],
        about=[],
        found=[],
        blocks=grids(shown, metrics_of(table, pd.DataFrame(), numbers), {}, marks),
        remarks=AS_PRINTED + chosen_on(here["dataset"], ours=False) + ["Weights: as printed."] * bool(weights),
        footnotes=footnotes,
    )


def _named(name: str) -> dict[str, Any]:
    """Name, title and command of a section."""
    experiment, _, word = name.partition("_")
    target, title = TARGETS.get(experiment, experiment), (TITLES | NAMES).get(experiment, experiment)
    return {
        "name": name,
        "title": f"{title}, {DATASETS.get(word, word)}",
        "command": f"make {target} DATASET={word}",
    }


def _footnotes(paper: pd.DataFrame, findings: Sequence[Finding]) -> tuple[dict[Row, int], list[str]]:
    """Row -> footnote number, and the footnotes, for printed Delta_m that do not match their cells."""
    misfits = {finding.row: finding for finding in findings if finding.verdict == "misfit"}
    marks, notes = {}, []
    for line in paper.drop_duplicates("source").to_dict("records"):
        if finding := misfits.get(line["source"]):
            marks[tuple(line[key] for key in ROW)] = len(notes) + 1
            notes.append(
                f"{line['architecture']}, {line['method']}: the paper prints Δm {finding.printed}, but its cells give "
                f"{finding.recomputed:+z.2f}; rounding allows {finding.low:+z.2f} to {finding.high:+z.2f}."
            )
    return marks, notes
