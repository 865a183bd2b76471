"""What stands around a table: where its numbers come from and how they are meant."""

from collections.abc import Iterable, Sequence

from mtl.report.command import training_command
from mtl.report.comparison import Comparison
from mtl.report.names import DATASETS, SINGLE_TASK, chosen_on
from mtl.report.scores import by_seed
from mtl.report.table import headings, markdown, stacked, table


def page(comparison: Comparison, name: str, overrides: Sequence[str]) -> str:
    """The Markdown file: where the numbers come from, the table, and how to read it."""
    runs, cells = comparison.runs, table(comparison)
    titles = headings(comparison, cells.columns)
    config = runs[0].config
    presets = {task: preset for run in runs for task, preset in run.presets.items()}
    facts = {
        "dataset": config["dataset"]["name"],
        "backbone": config["backbone"]["name"],
        "seeds": _listed(run.seed for run in runs),
        "presets": ", ".join(f"{task} {presets[task]}" for task in comparison.tasks if task in presets) or "none",
        "steps": _listed(run.record["steps"] for run in runs),
        "device": _listed(run.record["environment"]["device"] for run in runs),
        "commit": _listed(str(run.record["environment"]["commit"])[:10] for run in runs),
        "made by": f"`python scripts/table.py {' '.join(overrides)}`",
    }
    header = "; ".join(f"{key} {value}" for key, value in facts.items())
    parts = [markdown(part, titles) for part in stacked(cells, titles)]
    remarks = "\n".join(f"- {line}" for line in [*notes(comparison), *missing_runs(comparison, overrides)])
    return "\n\n".join([f"# {name}", f"{header}.", *parts, remarks]) + "\n"


def notes(comparison: Comparison) -> list[str]:
    """How the numbers are meant, and which rows stand on fewer seeds than others."""
    lines = by_seed(comparison)
    seeds = {
        label: sorted(part.index.get_level_values("seed")) for label, part in lines.groupby(level="method", sort=False)
    }
    every = sorted({seed for own in seeds.values() for seed in own})
    count = f"mean ± sample standard deviation over {len(every)} seeds" if len(every) > 1 else f"seed {every[0]} only"
    fewer = [f"{label} has only the seeds {_listed(own)}" for label, own in seeds.items() if own != every]
    return [
        f"Values: {count}.",
        "Metrics: at the evaluation with the best mean of log metrics over tasks; last: at the last evaluation.",
        *chosen_on(DATASETS.get(name, name) for name in [comparison.runs[0].config["dataset"]["name"]]),
        "M: gain over the single-task network of the same seed, in percent; Δm: mean of M over tasks.",
        "Mean rank: of the mean metrics, among the multi-task methods. Weight: mean over all steps.",
        f"Step time: relative to Uniform. {SINGLE_TASK}: sum of the times of its networks, largest of their memory.",
        *fewer,
    ]


def missing_runs(comparison: Comparison, overrides: Sequence[str]) -> list[str]:
    """One line for every seed at which gains wait for single-task runs."""
    config = comparison.runs[0].config
    return [
        f"no gain of {', '.join(tasks)} at seed {seed}; to train: {training_command(overrides, tasks, seed, config)}"
        for seed, tasks in comparison.missing.items()
    ]


def _listed(values: Iterable) -> str:
    return ", ".join(str(value) for value in sorted(set(values)))
