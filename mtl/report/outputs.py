"""Makes the result files of an experiment: summary, curves, figure, and the table as Markdown, LaTeX and CSV."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mtl.report.figures.imbalance import imbalance_figure
from mtl.report.figures.learning import learning_figure
from mtl.report.figures.ranks import ranks_figure
from mtl.report.misprints import check, read_tables
from mtl.report.names import ROW, SETTING, SINGLE_TASK, Row, Setting, method_label, method_of, setting_of
from mtl.report.numbers.conditions import differing_conditions, partly_evaluated, with_skipped_steps
from mtl.report.numbers.gains import Baseline, chosen_baseline, delta_by_seed, mean_deltas, with_gains
from mtl.report.numbers.grouped import grouped
from mtl.report.numbers.probe import starvation, without_probes
from mtl.report.numbers.search import best_variants, choices, given, judging, outcome, rows_to_show
from mtl.report.numbers.statistics.ranks import groups
from mtl.report.numbers.statistics.study import Study, study_of
from mtl.report.numbers.table import table_of, with_other_metrics
from mtl.report.numbers.unlearnt import unlearnt
from mtl.report.read.curves import stored_width, windowed
from mtl.report.read.evaluations import learning_curves
from mtl.report.read.floors import Floors
from mtl.report.read.runs import Run
from mtl.report.read.scores import our_scores, paper_scores
from mtl.report.read.summary import summary
from mtl.report.render import statistics
from mtl.report.render.learning import learning_section
from mtl.report.render.scale import scale
from mtl.report.render.text import Metrics, blocks, flat, label, notes


def render(
    name: str,
    plan: Mapping[str, Any],
    runs: Sequence[Run],
    jobs: Sequence[tuple[Mapping[str, Any], str]],
    paper: Path,
    every_metric: bool = False,
    floors: Floors | None = None,
) -> tuple[dict[str, str | bytes], str]:
    """Makes the files of an experiment and its console output.

    Args:
        name: `<experiment>_<dataset>`.
        plan: `plan` of its config.
        runs: Its finished runs.
        jobs: Resolved config and variant of all planned runs, in order.
        paper: Folder of the paper's numbers.
        every_metric: Whether the table also has the metrics that are not primary.
        floors: Scores of predictions without learning, if they are known.

    Returns:
        Content by path relative to the results folder, and the text for the console.
    """
    variants = {run.folder.parent.name: variant for run in runs for config, variant in jobs if run.config == config}
    lines = summary(runs, variants)
    scores = our_scores([lines])
    rows = list(dict.fromkeys((*setting_of(config), method_of(config), variant) for config, variant in jobs))
    baseline = chosen_baseline(rows)
    theirs = printed(paper, plan.get("paper"), rows)
    # For a search, the table shows the default and the best variant; the paper's numbers belong to the best.
    keys = {method_label(weighter): key for weighter, key in plan.get("best_of", {}).items()}
    deltas = mean_deltas(scores, baseline).reindex(pd.MultiIndex.from_tuples(rows, names=ROW))
    searched = [method_label(plan["search"])] if "search" in plan else []
    best = best_variants(delta_by_seed(with_gains(judging(scores), baseline)), [*keys, *searched])
    rows = rows_to_show(rows, best, keys)
    theirs["variant"] = [best.get(row, "") for row in theirs[ROW[:-1]].itertuples(index=False, name=None)]
    table = table_of(scores[pd.MultiIndex.from_frame(scores[ROW]).isin(rows)], theirs, rows, baseline)
    if every_metric:
        table = with_other_metrics(table, lines)
    judged = scores[["task", "metric", "higher_is_better"]].drop_duplicates("task").itertuples(index=False, name=None)
    metrics: Metrics = {task: (metric, better) for task, metric, better in judged}
    remarks = [*plan.get("notes", []), *choices(scores, deltas, best, keys, runs, variants), *given(rows, plan)]
    remarks += [*notes(table, _divided_by(rows, baseline)), *partly_evaluated(runs), *with_skipped_steps(runs)]
    remarks += differing_conditions(runs)
    remarks += [
        *_misfits(paper, theirs),
        *unlearnt(scores, floors or {}),
        *starvation(scores, [method_label(name) for name in plan.get("figure") or ()]),
    ]
    if "search" in plan:
        remarks = [*outcome(scores, deltas, best, plan["search"], runs), *remarks]
    records = f"records/{name}" if plan.get("records") else ""
    files: dict[str, str | bytes] = {
        f"summary/{name}.csv": _csv(lines),
        f"tables/{name}.csv": _csv(flat(table)),
        f"tables/{name}.tex": "\n\n".join(_stacked(table, metrics, "latex_raw", "% {}")) + "\n",
    }
    section, text = [], [*_stacked(table, metrics, "simple", "{}"), "\n".join(remarks)]
    if plan.get("statistics"):
        study = study_of(with_gains(without_probes(scores), baseline), rows, paper_scores(paper), best)
        files |= _statistics(name, study)
        section = statistics.page(study, f"../figures/{name}_ranks.png")
        text += statistics.console(study)
    if plan.get("learning"):
        curves = learning_curves(of_first_setting(runs, rows[0], variants))
        if len(curves):
            files[f"figures/{name}_learning.png"] = learning_figure(curves, ", ".join(rows[0][:2]))
            section += learning_section(curves, f"../figures/{name}_learning.png")
    if floors:
        section = ["## Without a network", scale(floors, metrics, "pipe"), *section]
        text.append(scale(floors, metrics, "simple"))
    files[f"tables/{name}.md"] = _page(name, table, metrics, runs, remarks, section, lines, records)
    if plan.get("curves"):
        steps = runs[0].record["steps"]
        usual = stored_width(steps) if records else max(steps // 6, 1)
        width = plan.get("window", {}).get(runs[0].config["dataset"]["name"]) or usual
        curves = windowed(runs, width, variants)
        files[f"summary/{name}_curves.csv"] = _csv(curves[curves["key"].str.startswith(tuple(plan["curves"]))], "%.5g")
    if plan.get("figure") and (png := _figure(plan["figure"], runs, with_gains(scores, baseline), rows[0], variants)):
        files[f"figures/{name}.png"] = png
    return files, "\n\n".join(text)


def _figure(
    weighters: Sequence[str], runs: Sequence[Run], scores: pd.DataFrame, first: Row, variants: Mapping[str, str]
) -> bytes | None:
    """The figure of the imbalance, of the setting of the first row and of methods with default hyper-parameters."""
    rows = scores[ROW].itertuples(index=False, name=None)
    wanted = {(*first[: len(SETTING)], method_label(weighter), "") for weighter in weighters}
    return imbalance_figure(of_first_setting(runs, first, variants), scores[[row in wanted for row in rows]])


def of_first_setting(runs: Sequence[Run], first: Row, variants: Mapping[str, str]) -> list[Run]:
    """The runs in the setting of the first row, with default hyper-parameters."""
    setting = first[: len(SETTING)]
    return [run for run in runs if setting_of(run.config) == setting and not variants[run.folder.parent.name]]


def printed(folder: Path, table: str | None, rows: Sequence[Row]) -> pd.DataFrame:
    """The paper's scores of these rows in one of its tables, and of their single-task networks in any table."""
    found = paper_scores(folder)
    keys = pd.MultiIndex.from_frame(found[ROW])
    here = (found["table"] == table) | (found["method"] == SINGLE_TASK)
    return found[here & keys.isin(rows)].drop_duplicates([*ROW, "task"])


def _statistics(name: str, study: Study) -> dict[str, str | bytes]:
    """Every comparison with its p values, and the diagram of ranks, if there are ranks."""
    files: dict[str, str | bytes] = {f"tables/{name}_statistics.csv": _csv(study.comparisons)}
    if ranks := study.ranks:
        bars, caption = groups(ranks.mean, ranks.critical), statistics.ranks_caption(ranks)
        files[f"figures/{name}_ranks.png"] = ranks_figure(ranks.mean, ranks.critical, bars, caption)
    return files


def _misfits(folder: Path, theirs: pd.DataFrame) -> list[str]:
    """Notes on rows whose printed Delta_m does not match their cells; the table shows the recomputed one."""
    shown = set(theirs["source"])
    return [
        f"Paper, {found.row}: Δm is printed as {found.printed}; shown is {found.recomputed:+.2f}, from its cells."
        for found in (check(read_tables(folder)) if shown else [])
        if found.verdict == "misfit" and found.row in shown
    ]


def _divided_by(rows: Sequence[Row], baseline: Baseline) -> str:
    chosen = dict.fromkeys(baseline(Setting(*row[:-2])) for row in rows)
    places = [", ".join(word for word in setting[1:] if word) for setting in chosen]
    return f"the single-task networks ({'; '.join(places)})"


def _stacked(table: pd.DataFrame, metrics: Metrics, form: str, heading: str) -> list[str]:
    return [text for title, parts in blocks(table, metrics, form).items() for text in (heading.format(title), *parts)]


def _page(
    name: str,
    table: pd.DataFrame,
    metrics: Metrics,
    runs: Sequence[Run],
    remarks: Sequence[str],
    section: Sequence[str],
    lines: pd.DataFrame,
    records: str,
) -> str:
    """The Markdown file: provenance, tables, notes, statistics, and the runs of every row.

    `section` has the parts about statistics; `records` is as for `_origins`.
    """
    about = [run.record["environment"] for run in runs]
    facts = {
        "steps": _listed(run.record["steps"] for run in runs),
        "device": _listed(one["device"] for one in about),
        "commit": _listed(str(one["commit"])[:10] for one in about),
        "protocol": _listed(word for words in lines["protocol"] for word in words.split()) or "none",
        "seeds": _listed(run.seed for run in runs),
    }
    place = "Folders in `results/runs`, one per seed"
    if records:
        place = f"Records in `results/{records}`, a file per seed: scores, curves, cost and environment"
    parts = [
        f"# {name}",
        "; ".join(f"{key} {value}" for key, value in facts.items()) + ".",
        *_stacked(table, metrics, "pipe", "## {}"),
        "\n".join(f"- {line}" for line in remarks),
        *section,
        f"## Runs\n\n{place}; the command repeats the run with the first seed.",
        "\n".join(_origins(lines, records)),
    ]
    return "\n\n".join(parts) + "\n"


def _origins(lines: pd.DataFrame, records: str) -> list[str]:
    """One line per network: its row, its folder, and the command of its first seed.

    Args:
        lines: The summary.
        records: Folder of the records, relative to the results folder; empty if there are none.
    """
    found = []
    for (*row, tasks, run), own in grouped(lines, [*ROW, "tasks", "run"]):
        place = f"{', '.join(row[1:3])}: {label(tuple(row))}" + f" {tasks}" * (row[-2] == SINGLE_TASK)
        folder = f"[`{run}`](../{records}/{run})" if records else f"`{run}`"
        found.append(f"- {place}: {folder}, seeds {_listed(own['seed'])}: `{own['command'].iloc[0]}`")
    return found


def _csv(frame: pd.DataFrame, form: str | None = None) -> str:
    return frame.to_csv(index=False, lineterminator="\n", float_format=form)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in sorted(set(values)) if value != "")
