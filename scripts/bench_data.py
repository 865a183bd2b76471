"""Training images per second and core, with and without the cache, compared with plain OpenCV: `make bench-data`.

Images of the size of NYUD-v2 with its four labels (segmentation, normals and edges as PNG, depth as NumPy array; the
content is rendered rooms) pass through the whole training pipeline to batches of 6 images of 448 x 576. Times are CPU
times of one process; the files are in the page cache, so disk speed does not matter. `opencv` is the same recipe in
plain OpenCV and NumPy. Expect the pipeline to be faster than that without the cache, and with it 2.5 times as fast
again. The rest of the time moves memory: zooming 30 %, colours 25 %, batches 20 %.
"""

import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pandas as pd
import torch
from tabulate import tabulate
from torchvision.transforms import v2

from mtl import build, cli
from mtl.bench import cost
from mtl.data import DenseDataset, make_loader, transforms
from mtl.data.cache import Cached
from mtl.files import write_whole
from mtl.run.record import environment

SUMMARY = Path(__file__).parents[1] / "results/summary/bench_data.csv"
OWN = {
    "rounds": (9, "measurements of each pipeline"),
    "images": (24, "number of images"),
    "native": ("425x560", "height and width of the files, in pixels"),
    "size": ("448x576", "height and width of the training crop, in pixels"),
    "summary": (str(SUMMARY), "file for the numbers"),
}
TASKS = ("semseg", "depth", "normals", "edge")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Size = tuple[int, int]  # height, width


class Folder(DenseDataset):
    """Images and labels in files like those of the NYUD-v2 archives."""

    available = TASKS

    def __init__(self, root: Path, transform: Callable | None = None) -> None:
        super().__init__("train", TASKS, transform)
        self.files = sorted(root.glob("image/*.png"))

    def __len__(self) -> int:
        return len(self.files)

    def read(self, index: int) -> dict[str, Any]:
        """Decode one sample; see `DenseDataset.read`."""
        maps = {key: value if value.ndim == 3 else value[..., None] for key, value in decode(self.files[index]).items()}
        maps = {key: np.ascontiguousarray(value.transpose(2, 0, 1)) for key, value in maps.items()}
        return maps | {"meta": {"id": self.files[index].stem, "size": maps["image"].shape[1:], "padding": (0, 0)}}


def decode(file: Path) -> dict[str, np.ndarray]:
    """Decodes image and labels of one sample. Shapes [H, W] and [H, W, 3]."""

    def load(key: str) -> np.ndarray:
        path = str(file.parents[1] / key / file.name)
        return np.asarray(cv2.imread(path, cv2.IMREAD_UNCHANGED))

    return {
        "image": cv2.cvtColor(load("image"), cv2.COLOR_BGR2RGB),
        "semseg": load("semseg"),
        "depth": np.load(file.parents[1] / "depth" / f"{file.stem}.npy"),
        "normals": cv2.cvtColor(load("normals"), cv2.COLOR_BGR2RGB).astype(np.float32) * np.float32(2 / 255) - 1,
        "edge": load("edge"),
    }


def write_files(root: Path, size: Size, images: int) -> None:
    """Renders rooms and writes them as files."""
    words = [f"dataset.height={size[0]}", f"dataset.width={size[1]}", f"dataset.train.scenes={images}"]
    cfg = build.compose([*words, "dataset.train.scans=1", f"data={root / 'rooms'}"])
    for key in ("image", *TASKS):
        (root / key).mkdir()
    rooms = build.build_dataset(cfg, "train", TASKS)
    for sample in map(rooms.read, range(images)):
        name, maps = sample["meta"]["id"], {key: sample[key].transpose(1, 2, 0) for key in ("image", *TASKS)}
        np.save(root / f"depth/{name}.npy", maps["depth"][..., 0])
        maps["normals"] = np.round((maps["normals"] + 1) * 127.5).astype(np.uint8)
        for key in ("image", "normals"):
            cv2.imwrite(str(root / f"{key}/{name}.png"), maps[key][..., ::-1])
        for key in ("semseg", "edge"):
            cv2.imwrite(str(root / f"{key}/{name}.png"), maps[key])


def pipeline(size: Size) -> v2.Compose:
    """The training transforms of the recipe."""
    return v2.Compose(
        [
            transforms.RandomScale(0.5, 2.0),
            transforms.RandomCrop(*size, largest=0.75, tries=10),
            v2.RandomHorizontalFlip(0.5),
            transforms.PhotometricDistortion(brightness=32, contrast=[0.5, 1.5], saturation=[0.5, 1.5], hue=18),
            transforms.Normalize(MEAN, STD),
            transforms.Pad(*size),
            transforms.IgnoreAbsentPersons(),
        ]
    )


def opencv(maps: dict[str, np.ndarray], size: Size, rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """The training transforms again, in OpenCV and NumPy, step by step as in the recipe."""
    scale = rng.uniform(0.5, 2.0)
    height, width = (int(side * scale) for side in maps["image"].shape[:2])
    kinds = dict.fromkeys(maps, cv2.INTER_NEAREST) | {"image": cv2.INTER_LINEAR}
    maps = {key: cv2.resize(maps[key], (width, height), interpolation=kind) for key, kind in kinds.items()}
    maps["depth"] = maps["depth"] / np.float32(scale)
    window = ()
    for _ in range(11):
        top, left = (rng.integers(max(have - want, 0) + 1) for have, want in zip((height, width), size, strict=True))
        window = slice(top, top + size[0]), slice(left, left + size[1])
        labels, counts = np.unique(maps["semseg"][window], return_counts=True)
        counts = counts[labels != 255]
        if len(counts) > 1 and counts.max() / counts.sum() < 0.75:
            break
    maps = {key: value[window] for key, value in maps.items()}
    if rng.random() < 0.5:
        maps = {key: value[:, ::-1] for key, value in maps.items()}
        maps["normals"] = maps["normals"] * np.array([-1, 1, 1], np.float32)
    image = distort(np.ascontiguousarray(maps["image"]), rng)
    maps["image"] = (image.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    rows, columns = (want - have for want, have in zip(size, image.shape[:2], strict=True))
    edges = (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    for key, value in maps.items():
        fill = 255 if key in ("semseg", "edge") else 0
        maps[key] = cv2.copyMakeBorder(np.ascontiguousarray(value), *edges, cv2.BORDER_CONSTANT, value=[fill] * 3)
    maps = {key: value if value.ndim == 3 else value[..., None] for key, value in maps.items()}
    return {key: torch.from_numpy(np.ascontiguousarray(value.transpose(2, 0, 1))) for key, value in maps.items()}


def distort(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photometric distortion of the recipe, in floating point and back. Shape [H, W, 3]."""

    def convert(values: np.ndarray, factor: float = 1, offset: float = 0) -> np.ndarray:
        values = values.astype(np.float32) * np.float32(factor) + np.float32(offset)
        return np.clip(values, 0, 255).astype(np.uint8)

    def contrast(image: np.ndarray) -> np.ndarray:
        return convert(image, rng.uniform(0.5, 1.5)) if rng.random() < 0.5 else image

    if rng.random() < 0.5:
        image = convert(image, offset=rng.uniform(-32, 32))
    last = rng.random() < 0.5
    image = image if last else contrast(image)
    if rng.random() < 0.5:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 1] = convert(hsv[..., 1], rng.uniform(0.5, 1.5))
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if rng.random() < 0.5:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(-18, 18)) % 180
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return contrast(image) if last else image


def plain_epoch(root: Path, size: Size, batch: int, rng: np.random.Generator) -> None:
    """Passes all images through the plain pipeline, in batches."""
    files = sorted(root.glob("image/*.png"))
    for start in range(0, len(files), batch):
        samples = [opencv(decode(file), size, rng) for file in files[start : start + batch]]
        _ = {key: torch.stack([sample[key] for sample in samples]) for key in samples[0]}


def measure(root: Path, size: Size, batch: int, rounds: int) -> pd.DataFrame:
    """One line per pipeline; each round runs all of them once, in random order."""
    fresh, bare = Folder(root, pipeline(size)), Folder(root, transforms.Normalize(MEAN, STD))
    datasets = {
        "mtl": fresh,
        "mtl, cache": Cached(fresh, root / "cache", {}, 0),
        "mtl, cache, not augmented": Cached(bare, root / "cache", {}, 0),
    }
    loaders = {name: make_loader(d, batch_size=batch, workers=0, seed=0, train=True) for name, d in datasets.items()}
    rng = np.random.default_rng(0)
    rows: dict[str, Callable[[int], object]] = {"opencv": lambda _: plain_epoch(root, size, batch, rng)}
    for name, loader in loaders.items():
        rows[name] = lambda epoch, loader=loader: (
            cast("Any", loader.sampler).set_epoch(epoch),
            deque(loader, maxlen=0),
        )
    taken: dict[str, list[float]] = {name: [] for name in rows}
    for current in range(-1, rounds):
        for name in random.sample(list(rows), len(rows)):
            start = time.process_time()
            rows[name](current + 1)
            if current >= 0:
                taken[name].append((time.process_time() - start) / len(fresh))
    table = pd.DataFrame({"pipeline": list(rows)})
    table["images_per_second"] = [1 / statistics.median(times) for times in taken.values()]
    table[["time_q1", "time_ratio", "time_q3"]] = [cost.ratio_to(taken["opencv"], times) for times in taken.values()]
    return table


def size_of(own: Mapping[str, Any], word: str) -> Size:
    """Height and width that a word gives.

    Raises:
        ValueError: It does not give them.
    """
    sides = own[word].split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        raise ValueError(f"{word}={own[word]}: use height and width, such as {OWN[word][0]}")
    return int(sides[0]), int(sides[1])


def main(own: Mapping[str, Any]) -> None:
    """Writes the files, measures all pipelines and saves the numbers."""
    native, size = size_of(own, "native"), size_of(own, "size")
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    about = environment(torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), native, own["images"])
        table = measure(Path(folder), size, 6, own["rounds"])
    print(tabulate(table.to_dict("list"), headers="keys", showindex=False, floatfmt=".3f"))
    table = table.assign(device=about["device"], torch=about["packages"]["torch"], commit=about["commit"])
    write_whole(Path(own["summary"]), table.to_csv(index=False, float_format="%.4g", lineterminator="\n"))


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
