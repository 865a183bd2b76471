"""Draws samples with their labels, as training sees them: `python scripts/show_samples.py dataset=nyud split=val`.

Words of train.py choose the dataset and how it is changed (`dataset.noise=...`, `subset=...`). Grey pixels are invalid.
"""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from mtl import build, cli
from mtl.build.data import build_dataset
from mtl.cli.prepare import check_split
from mtl.data.loader import make_loader
from mtl.files import write_whole
from mtl.report.render.style import DPI, spelled, styled
from mtl.tasks import TaskLabel, find

OWN = {
    "split": ("train", "train, val or test"),
    "count": (4, "number of samples"),
    "clean": ("no", "yes: every label without noise as well, as in Fig. 5"),
    "out": ("samples.png", "image file to write"),
}


def samples(
    words: Sequence[str], split: str, count: int
) -> tuple[list[Mapping[str, Tensor]], Mapping[str, np.ndarray]]:
    """The first samples of the split in the first epoch, and the mean and std that the image was normalised with."""
    cfg = build.compose(words)
    check_split(cfg, split)
    tasks = build.build_tasks(cfg)
    dataset = build_dataset(cfg, split, [task.name for task in tasks])
    options = {"batch_size": 1, "workers": 0, "seed": cfg.seed, "rank": 0, "world_size": 1}
    limits = {task.name: max(task.channels, 2) for task in tasks}
    loader = make_loader(dataset, train=split == "train", limits=limits, **options)
    found = []
    for batch in loader:
        found.append({key: value[0] for key, value in batch.items()})
        if len(found) == count:
            break
    scale = cfg.dataset.normalize
    return found, {key: np.array(scale[key])[:, None, None] for key in ("mean", "std")}


def main(own: Mapping[str, Any], words: Sequence[str]) -> None:
    """Writes the image: a row per sample, a column per task, or two with labels without noise.

    Raises:
        ValueError: A word is wrong.
    """
    if own["clean"] not in ("yes", "no"):
        raise ValueError(f"clean={own['clean']}: use clean=yes or clean=no")
    found, scale = samples(words, own["split"], own["count"])
    versions = {"": found}
    if own["clean"] == "yes":
        clean, _ = samples([*words, "dataset.noise=none"], own["split"], own["count"])
        versions = {"": clean, " with noise": found}
    labels = [find(key) for key, value in found[0].items() if isinstance(value, Tensor) and key != "image"]
    labels = [label for label in labels if isinstance(label, TaskLabel)]
    columns = [(label, version) for label in labels for version in versions]
    with styled():
        # Whole tenths of an inch: 3 * 1.9 is 5.699..., whose last pixel older versions of Matplotlib cut off.
        figure = Figure(figsize=(24 * (len(columns) + 1) / 10, 19 * len(found) / 10), layout="constrained")
        grid = figure.subplots(len(found), len(columns) + 1, squeeze=False)
        for number, (row, sample) in enumerate(zip(grid, found, strict=True)):
            image = (sample["image"].numpy() * scale["std"] + scale["mean"]).transpose(1, 2, 0)
            row[0].imshow(image.clip(0, 1), interpolation="nearest")
            for axes, (label, version) in zip(row[1:], columns, strict=True):
                label.draw(axes, versions[version][number][label.name].numpy(), key=False)
            titles = (
                str(cast("Any", sample)["meta"]["id"]),
                *(f"{spelled(label.name)}{version}" for label, version in columns),
            )
            for axes, title in zip(row, titles, strict=True):
                axes.set_title(title, fontsize=8)
                axes.set_axis_off()
        figure.savefig(png := io.BytesIO(), format="png", dpi=DPI)
    write_whole(Path(own["out"]), png.getvalue())
    print(own["out"])


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
