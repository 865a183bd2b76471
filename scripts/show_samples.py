"""A sheet of samples as training sees them, image and labels: `python scripts/show_samples.py dataset=nyud`.

Words of train.py choose the dataset and what is done to it (`dataset.noise=...`, `subset=...`); `--split val` shows
evaluation samples, `--count` how many, `--out` where. Grey pixels are not valid.
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from mtl import build
from mtl.build.data import build_dataset
from mtl.data.loader import make_loader
from mtl.files import write_whole
from mtl.report.render.style import DPI, spelled, styled
from mtl.tasks import TaskLabel, find


def samples(
    words: Sequence[str], split: str, count: int
) -> tuple[list[Mapping[str, Tensor]], Mapping[str, np.ndarray]]:
    """The first samples of the split, as in the first epoch, and the mean and std that the image was scaled by."""
    cfg = build.compose(words)
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


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="of train.py's command line")
    parser.add_argument("--split", default="train", choices=("train", "val"))
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("samples.png"))
    arguments = parser.parse_args()
    found, scale = samples(arguments.words, arguments.split, arguments.count)
    labels = [find(key) for key, value in found[0].items() if isinstance(value, Tensor) and key != "image"]
    labels = [label for label in labels if isinstance(label, TaskLabel)]
    with styled():
        figure = Figure(figsize=(2.4 * (len(labels) + 1), 1.9 * len(found)), layout="constrained")
        grid = figure.subplots(len(found), len(labels) + 1, squeeze=False)
        for row, sample in zip(grid, found, strict=True):
            image = (sample["image"].numpy() * scale["std"] + scale["mean"]).transpose(1, 2, 0)
            row[0].imshow(image.clip(0, 1), interpolation="nearest")
            for axes, label in zip(row[1:], labels, strict=True):
                label.draw(axes, sample[label.name].numpy(), key=False)
            titles = (str(sample["meta"]["id"]), *(spelled(label.name) for label in labels))
            for axes, title in zip(row, titles, strict=True):
                axes.set_title(title, fontsize=8)
                axes.set_axis_off()
        figure.savefig(png := io.BytesIO(), format="png", dpi=DPI)
    write_whole(arguments.out, png.getvalue())
    print(arguments.out)


if __name__ == "__main__":
    main()
