"""A sheet of samples as training sees them, image and labels: `python scripts/show_samples.py dataset=nyud`.

Words of train.py choose the dataset and what is done to it (`dataset.noise=...`, `subset=...`); `--split val` shows
evaluation samples, `--count` how many, `--out` where. Grey pixels are not valid.
"""

import argparse
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mtl import build
from mtl.build.data import build_dataset
from mtl.data.loader import make_loader
from mtl.files import write_whole
from mtl.report.render.picture import palette
from mtl.report.render.style import DPI, styled

IGNORE = 255
INVALID = (0.5, 0.5, 0.5)


def samples(
    words: Sequence[str], split: str, count: int
) -> tuple[list[Mapping[str, Tensor]], Mapping[str, np.ndarray]]:
    """The first samples of the split, as in the first epoch, and the mean and std that the image was scaled by."""
    cfg = build.compose(words)
    names = build.subset(cfg)
    dataset = build_dataset(cfg, split, names)
    options = {"batch_size": 1, "workers": 0, "seed": cfg.seed, "rank": 0, "world_size": 1}
    limits = {task.name: max(task.channels, 2) for task in build.build_tasks(cfg)}
    loader = make_loader(dataset, train=split == "train", limits=limits, **options)
    found = []
    for batch in loader:
        found.append({key: value[0] for key, value in batch.items()})
        if len(found) == count:
            break
    scale = cfg.dataset.normalize
    return found, {key: np.array(scale[key])[:, None, None] for key in ("mean", "std")}


def shown(task: str, label: np.ndarray) -> np.ndarray:
    """A label as colours. Shape [H, W, 3], 0 to 1."""
    if task in ("semseg", "human_parts"):
        return np.where((label == IGNORE).transpose(1, 2, 0), INVALID, palette(IGNORE + 1)[label[0]])
    if task == "normals":
        valid = (np.linalg.norm(label, axis=0) > 0.5)[..., None]
        return np.where(valid, (label.transpose(1, 2, 0) * (1, -1, -1) + 1) / 2, INVALID)
    if task == "depth":
        valid = (label[0] > 0)[..., None]
        return np.where(valid, 1 - np.clip(label.transpose(1, 2, 0) / max(label.max(), 1e-6), 0, 1), INVALID)
    value = label.transpose(1, 2, 0).astype(float)
    return np.where(value == IGNORE, INVALID, np.clip(value, 0, 1))


def draw(axes: Axes, colours: np.ndarray, title: str) -> None:
    """One picture of the sheet."""
    axes.imshow(colours.clip(0, 1), interpolation="nearest")
    axes.set_title(title, fontsize=8)
    axes.set_axis_off()


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="of train.py's command line")
    parser.add_argument("--split", default="train", choices=("train", "val"))
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("samples.png"))
    arguments = parser.parse_args()
    found, scale = samples(arguments.words, arguments.split, arguments.count)
    tasks = [key for key, value in found[0].items() if isinstance(value, Tensor) and key not in ("image", "boundary")]
    with styled():
        figure = Figure(figsize=(2.4 * (len(tasks) + 1), 1.9 * len(found)), layout="constrained")
        grid = figure.subplots(len(found), len(tasks) + 1, squeeze=False)
        for row, sample in zip(grid, found, strict=True):
            image = (sample["image"].numpy() * scale["std"] + scale["mean"]).transpose(1, 2, 0)
            draw(row[0], image, str(sample["meta"]["id"]))
            for axes, task in zip(row[1:], tasks, strict=True):
                draw(axes, shown(task, sample[task].numpy()), task.replace("_", " "))
        figure.savefig(png := io.BytesIO(), format="png", dpi=DPI)
    write_whole(arguments.out, png.getvalue())
    print(arguments.out)


if __name__ == "__main__":
    main()
