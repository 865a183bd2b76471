"""Draws what the networks of an experiment predict for an image: `python scripts/compare.py experiment=demo`.

A row has the truth, the single-task networks, or a method that the plan of the experiment names under `figure`; a
column has a task. Only runs that kept best.pt are drawn.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

import mtl
from mtl import build, cli
from mtl.cli.prepare import check_split
from mtl.experiment import Experiment, finished
from mtl.files import write_whole
from mtl.report.names import SINGLE_TASK, method_label, method_of, setting_of
from mtl.report.render.style import DPI, spelled, styled
from mtl.tasks import find_task

OWN = {
    "split": ("val", "train, val or test"),
    "image": (0, "number of the image in the split"),
    "seed": (0, "seed of the runs"),
    "out": ("", "image file to write; by default figures/<experiment>_predictions.png in the results folder"),
}


def runs_by_method(experiment: Experiment, seed: int) -> dict[str, list[Any]]:
    """Method -> its finished runs with weights, in the setting of the first line of the plan."""
    runs, jobs = finished(experiment.results), [job for line in experiment.jobs() for job in line]
    wanted = [SINGLE_TASK, *(method_label(weighter) for weighter in experiment.plan.get("figure") or ())]
    found = {method: [] for method in wanted}
    for job in jobs:
        run, method = job.run(runs, seed), method_of(job.config)
        plain = setting_of(job.config) == setting_of(jobs[0].config) and not job.variant
        if run and plain and method in found and (run.folder / "best.pt").exists():
            found[method].append(run)
    return {method: own for method, own in found.items() if own}


def main(own: Mapping[str, Any], words: Sequence[str]) -> None:
    """Writes the image.

    Raises:
        ValueError: A word is wrong, or no run has weights.
    """
    experiment = Experiment(words)
    check_split(experiment.cfg, own["split"])
    methods = runs_by_method(experiment, own["seed"])
    if not methods:
        raise ValueError(f"no run of {experiment.name} with seed {own['seed']} has a best.pt: train it with keep=best")
    tasks = build.subset(experiment.cfg)
    dataset = build.build_dataset(experiment.cfg, own["split"], tasks)
    if own["image"] >= len(dataset):
        raise ValueError(f"image={own['image']}: the {own['split']} split has {len(dataset)} images, the first is 0")
    sample = dataset.read(own["image"])
    rows = {"truth": {task: sample[task] for task in tasks}}
    for method, runs in methods.items():
        models = [mtl.load(run.folder, device="cpu") for run in runs]
        rows[method] = {k: v.numpy() for model in models for k, v in model(torch.from_numpy(sample["image"])).items()}
    png = drawn(sample["image"], rows, tasks)
    out = Path(own["out"] or experiment.results / "figures" / f"{experiment.name}_predictions.png")
    write_whole(out, png)
    print(out)


def drawn(image: np.ndarray, rows: Mapping[str, Mapping[str, np.ndarray]], tasks: Sequence[str]) -> bytes:
    """PNG with a row per method and a column per task, after the image. A method without a task leaves a gap.

    Args:
        image: Red, green and blue, uint8. Shape [3, H, W].
        rows: Name of the row -> task -> label or prediction in natural units.
        tasks: The columns.
    """
    with styled():
        figure = Figure(figsize=(2.4 * (len(tasks) + 1), 1.75 * len(rows)), layout="constrained")
        grid = figure.subplots(len(rows), len(tasks) + 1, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        grid[0, 0].imshow(image.transpose(1, 2, 0), interpolation="nearest")
        for number, (name, maps) in enumerate(rows.items()):
            if number:
                grid[number, 0].text(1, 0.5, name, ha="right", va="center", transform=grid[number, 0].transAxes)
            for axes, task in zip(grid[number, 1:], tasks, strict=True):
                if task in maps:
                    find_task(task).draw(axes, maps[task], key=False)
                if not number:
                    axes.set_title(f"{spelled(task)}, {name}", fontsize=8)
        figure.savefig(png := io.BytesIO(), format="png", dpi=DPI)
    return png.getvalue()


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
