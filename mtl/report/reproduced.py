"""The files of a reproduced experiment: its summary, its curves, and its table as Markdown, LaTeX and CSV."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.report.address import Setting, method_of, setting_of
from mtl.report.misprints import check, read_tables
from mtl.report.names import SINGLE_TASK, method_label
from mtl.report.reproduction import ROW, sheet
from mtl.report.results import our_results, paper_results, published_baseline
from mtl.report.runs import Run
from mtl.report.search import best_variants, choices, given, mean_deltas, outcome, rows_to_show
from mtl.report.sheet import Metrics, blocks, flat, label, notes
from mtl.report.summary import summary
from mtl.report.windows import windowed

Row = tuple[str, ...]  # a setting, a method and its variant


def render(
    name: str,
    plan: Mapping[str, Any],
    runs: Sequence[Run],
    jobs: Sequence[tuple[Mapping[str, Any], str]],
    paper: Path,
) -> tuple[dict[str, str], str]:
    """What the experiment leaves behind.

    Args:
        name: Of the experiment and its dataset.
        plan: `plan` of its config.
        runs: Its finished runs.
        jobs: Resolved config and variant of all its runs, in order.
        paper: Folder of the paper's numbers.

    Returns:
        Files by their path in the results folder, and what to show on the console.
    """
    variants = {run.folder.parent.name: variant for run in runs for config, variant in jobs if run.config == config}
    lines = summary(runs, variants)
    results = our_results([lines])
    rows = list(dict.fromkeys((*setting_of(config), method_of(config), variant) for config, variant in jobs))
    baseline = divisor(rows)
    beside = printed(paper, plan.get("paper"), rows)
    # Of a search the table has the default and the best, and the paper's numbers belong to the best.
    keys = {method_label(weighter): key for weighter, key in plan.get("best_of", {}).items()}
    deltas = mean_deltas(results, baseline).reindex(pd.MultiIndex.from_tuples(rows, names=ROW))
    best = best_variants(deltas, keys)
    rows = rows_to_show(rows, best, keys)
    beside["variant"] = [best.get(row, "") for row in beside[ROW[:-1]].itertuples(index=False, name=None)]
    table = sheet(results[pd.MultiIndex.from_frame(results[ROW]).isin(rows)], beside, rows, baseline)
    metrics = {r.task: (r.metric, r.higher_is_better) for r in results.drop_duplicates("task").itertuples()}
    remarks = [*plan.get("notes", []), *choices(deltas, best, keys, runs, variants), *given(rows, plan)]
    remarks += [*notes(table, _divided_by(rows, baseline)), *_misfits(paper, beside)]
    if "search" in plan:
        remarks = [*outcome(results, table, plan["search"], runs), *remarks]
    files = {
        f"summary/{name}.csv": _csv(lines),
        f"tables/{name}.csv": _csv(flat(table)),
        f"tables/{name}.tex": "\n\n".join(_stacked(table, metrics, "latex_raw", "% {}")) + "\n",
        f"tables/{name}.md": _page(name, table, metrics, runs, remarks, lines),
    }
    if plan.get("curves"):
        width = plan.get("window", {}).get(runs[0].config["dataset"]["name"]) or max(runs[0].record["steps"] // 6, 1)
        curves = windowed(runs, width, variants)
        files[f"summary/{name}_curves.csv"] = _csv(curves[curves["key"].str.startswith(tuple(plan["curves"]))], "%.5g")
    return files, "\n\n".join([*_stacked(table, metrics, "simple", "{}"), "\n".join(remarks)])


def printed(folder: Path, table: str | None, rows: Sequence[Row]) -> pd.DataFrame:
    """The paper's numbers for these rows in a table of it, and for their single-task networks in any table."""
    found = paper_results(folder)
    keys = pd.MultiIndex.from_frame(found[ROW])
    here = (found["table"] == table) | (found["method"] == SINGLE_TASK)
    return found[here & keys.isin(rows)].drop_duplicates([*ROW, "task"])


def divisor(rows: Sequence[Row]) -> Callable[[Setting], Setting]:
    """The setting that Delta_m of a setting divides by: the paper's choice, or the first row where there is none."""
    known = {row[:-2] for row in rows if row[-2] == SINGLE_TASK}

    def baseline(setting: Setting) -> Setting:
        chosen = published_baseline(setting)
        return chosen if tuple(chosen) in known else Setting(*rows[0][:-2])

    return baseline


def _misfits(folder: Path, beside: pd.DataFrame) -> list[str]:
    """Rows of the paper whose printed Delta_m is not that of their cells, which is the one that stands in the table."""
    shown = set(beside["source"])
    return [
        f"Paper, {found.row}: Δm is printed as {found.printed}, its cells give {found.recomputed:+.2f}, which is shown."
        for found in (check(read_tables(folder)) if shown else [])
        if found.verdict == "misfit" and found.row in shown
    ]


def _divided_by(rows: Sequence[Row], baseline: Callable[[Setting], Setting]) -> str:
    chosen = dict.fromkeys(baseline(Setting(*row[:-2])) for row in rows)
    places = [", ".join(word for word in setting[1:] if word) for setting in chosen]
    return f"the single-task networks ({'; '.join(places)})"


def _stacked(table: pd.DataFrame, metrics: Metrics, form: str, heading: str) -> list[str]:
    return [text for title, parts in blocks(table, metrics, form).items() for text in (heading.format(title), *parts)]


def _page(
    name: str, table: pd.DataFrame, metrics: Metrics, runs: Sequence[Run], remarks: Sequence[str], lines: pd.DataFrame
) -> str:
    """The Markdown file: where the numbers come from, the tables, how to read them, and the run behind every row."""
    about = [run.record["environment"] for run in runs]
    facts = {
        "steps": _listed(run.record["steps"] for run in runs),
        "device": _listed(one["device"] for one in about),
        "commit": _listed(str(one["commit"])[:10] for one in about),
        "protocol": _listed(lines["protocol"]) or "none",
        "seeds": _listed(run.seed for run in runs),
    }
    header = "; ".join(f"{key} {value}" for key, value in facts.items())
    return (
        "\n\n".join(
            [
                f"# {name}",
                f"{header}.",
                *_stacked(table, metrics, "pipe", "## {}"),
                "\n".join(f"- {line}" for line in remarks),
                "## Runs\n\nIn `results/runs`, a folder a seed; a command repeats the run.",
                "\n".join(_origins(lines)),
            ]
        )
        + "\n"
    )


def _origins(lines: pd.DataFrame) -> list[str]:
    """A line for every network: its row, its folder, and the command of its first seed."""
    found = []
    for (*row, tasks, run), own in lines.groupby([*ROW, "tasks", "run"], sort=False):
        place = f"{', '.join(row[1:3])}: {label(tuple(row))}" + f" {tasks}" * (row[-2] == SINGLE_TASK)
        found.append(f"- {place}: `{run}`, seeds {_listed(own['seed'])}: `{own['command'].iloc[0]}`")
    return found


def _csv(frame: pd.DataFrame, form: str | None = None) -> str:
    return frame.to_csv(index=False, lineterminator="\n", float_format=form)


def _listed(values: Any) -> str:
    return ", ".join(str(value) for value in sorted(set(values)) if value != "")
