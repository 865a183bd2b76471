"""Cost of odsF, compared with SciPy's sparse assignment at each threshold: `make bench-edges`.

Images have the size of NYUD-v2 (425x560), with synthetic truth and predictions; there are 99 thresholds. Numbers are
CPU seconds of one core. Ours includes everything from suppression and thinning on; SciPy's is the matching alone, on
the same thinned maps and candidate pairs. Both must find the same number of pairs. Expect ours to take at most 1/40 of
the time on suppressed maps. The last rows score a whole split with the metric, in this process and in two processes.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from mtl.metrics.boundary.assignment import cheapest, cost_graph
from mtl.metrics.boundary.candidates import candidates
from mtl.metrics.boundary.nms import suppress
from mtl.metrics.boundary.thinning import pack, thin, unpack
from tabulate import tabulate

from mtl import cli
from mtl.files import write_whole
from mtl.metrics import OdsF, Protocol, boundary_counts
from mtl.metrics.boundary.truth import boundary_of
from mtl.run.record import environment

SUMMARY = Path(__file__).parents[1] / "results/summary/bench_edges.csv"
SHAPE = (425, 560)
MAX_DISTANCE = 0.011  # of NYUD-v2
NYUD = 654  # images
OWN = {"images": (4, "different images"), "split": (NYUD, "images of the split that is scored as a whole")}
THRESHOLDS = np.arange(1, 100) / 100
VARIANTS = {"nms": {"nms": 1, "strict": True}, "raw": {"nms": 0, "strict": False}}
SEISM = {"ends": (), "taper": 5, "smooth": False, "quantise": False, "lines_as_partition": False, "interpolate": False}
REGIONS = 60


def image(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A prediction, uint8, and its true boundary, bool: wavy regions, and lines that are slightly off them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    y, x = y + 12 * waves(rng, 20), x + 12 * waves(rng, 20)
    centres = rng.uniform((0, 0), SHAPE, (REGIONS, 2)).astype(np.float32)
    partition = np.argmin([(y - a) ** 2 + (x - b) ** 2 for a, b in centres], axis=0)
    boundary = boundary_of(partition)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    moved = cv2.remap(boundary.astype(np.float32), x + 3 * waves(rng, 8), y + 3 * waves(rng, 8), cv2.INTER_LINEAR)
    lines = cv2.GaussianBlur(moved, (0, 0), 1.5) * (2 + waves(rng, 30))
    texture = np.maximum(waves(rng, 3), 0) * np.maximum(waves(rng, 25), 0)
    return (255 * np.clip(lines + 0.3 * texture, 0, 1)).astype(np.uint8), boundary


def waves(rng: np.random.Generator, size: float) -> np.ndarray:
    """Smooth noise of standard deviation 1. Shape [H, W]."""
    noise = cv2.GaussianBlur(rng.standard_normal(SHAPE).astype(np.float32), (0, 0), size)
    return (noise - noise.mean()) / noise.std()


def scipy_seconds(probability: np.ndarray, boundary: np.ndarray, nms: int, strict: bool) -> tuple[float, np.ndarray]:
    """CPU seconds of SciPy's matching at all thresholds, and the number of pairs at each."""
    values = suppress(probability.astype(np.float32) / np.float32(255), radius=1, taper=5) if nms else probability / 255
    side = "left" if strict else "right"
    levels = np.searchsorted(THRESHOLDS.astype(values.dtype), values, side=side)
    words = thin(pack(levels, len(THRESHOLDS)))[:, 1:-1, 1:-1].reshape(-1, values.size)
    pixels = np.flatnonzero(words.any(axis=0))
    reach = MAX_DISTANCE * np.hypot(*SHAPE)
    lists, near = candidates(pixels, boundary, reach)
    present = unpack(words[:, pixels[near]], len(THRESHOLDS))
    graph = cost_graph(pixels[near], lists, boundary, reach)
    start = time.process_time()
    pairs = np.array([len(cheapest(graph, np.flatnonzero(there))) for there in present])
    return time.process_time() - start, pairs


def compare(images: list[tuple[np.ndarray, np.ndarray]], variant: str) -> dict[str, float]:
    """Mean CPU seconds per image, of ours (best of three) and of SciPy's."""
    ours, theirs, predicted = [], [], []
    for probability, boundary in images:
        times = []
        for _ in range(3):
            start = time.process_time()
            counts = boundary_counts(
                probability, boundary, thresholds=THRESHOLDS, max_distance=MAX_DISTANCE, **VARIANTS[variant]
            )
            times.append(time.process_time() - start)
        seconds, pairs = scipy_seconds(probability, boundary, **VARIANTS[variant])
        if not np.array_equal(pairs, counts[0]):
            raise ValueError(f"SciPy finds {pairs.tolist()} pairs, ours {counts[0].tolist()}")
        ours.append(min(times))
        theirs.append(seconds)
        predicted.append(counts[1].max())
    return {
        "images": len(images),
        "boundary_px": np.mean([np.count_nonzero(boundary) for _, boundary in images]),
        "predicted_px": np.mean(predicted),
        "seconds": np.mean(ours),
        "scipy_seconds": np.mean(theirs),
        "ratio": np.mean(theirs) / np.mean(ours),
        "least_ratio": np.min(np.divide(theirs, ours)),
    }


def score(images: list[tuple[np.ndarray, np.ndarray]], count: int, workers: int) -> dict[str, float]:
    """CPU seconds per image, and wall-clock seconds, of a split that repeats the images."""
    protocol = Protocol(name="bench", thresholds=99, **(SEISM | VARIANTS["nms"]))
    metric = OdsF(protocol=protocol, max_distance=MAX_DISTANCE, workers=workers)
    batches = [
        (
            torch.logit(torch.from_numpy(probability)[None, None] / 255, eps=1e-6),
            torch.from_numpy(boundary)[None, None],
        )
        for probability, boundary in images
    ]
    clock, before = time.perf_counter(), sum(os.times()[:4])
    for number in range(count):
        metric.update(*batches[number % len(batches)])
    metric.compute()
    return {
        "images": count,
        "seconds": (sum(os.times()[:4]) - before) / count,
        "split_cpu_seconds": sum(os.times()[:4]) - before,
        "split_clock_seconds": time.perf_counter() - clock,
    }


def main(own: Mapping[str, int]) -> None:
    """Measures, and replaces the rows of this machine in the summary."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    images = [image(seed) for seed in range(own["images"])]
    lines = {variant: compare(images, variant) for variant in VARIANTS}
    lines |= {f"split, {n or 'no'} workers": score(images, own["split"], n) for n in (0, 2)}
    about = environment(torch.device("cpu"))
    table = pd.DataFrame([{"row": row, **line} for row, line in lines.items()])
    table["nyud_seconds"] = NYUD * table["seconds"]  # of one core
    print(tabulate(table, headers="keys", showindex=False, floatfmt=".3f"))
    where = {"height": SHAPE[0], "width": SHAPE[1], "thresholds": len(THRESHOLDS)}
    table = table.assign(**where, device=about["device"], commit=about["commit"])
    if SUMMARY.exists():
        table = pd.concat([pd.read_csv(SUMMARY), table]).drop_duplicates(["device", "row"], keep="last")
    write_whole(SUMMARY, table.to_csv(index=False, float_format="%.4g", lineterminator="\n"))


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
