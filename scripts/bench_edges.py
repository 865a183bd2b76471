"""Cost of odsF, compared with SciPy's sparse assignment at each threshold: `make bench-edges`.

Images have the size of NYUD-v2 (425x560), with synthetic truth and predictions; there are 99 thresholds. Numbers are
CPU seconds of one core. Ours includes everything from suppression and thinning on; SciPy's is the matching alone, on
the same thinned maps and candidate pairs: at every 9th threshold, times 9. Both must find the same number of pairs
there; with several annotators the same pixels. Two rows score a whole split with the metric, in this thread and in two
others. The last rows say when a process has scored its first image, without stored machine code and with it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from tabulate import tabulate

from mtl import cli
from mtl.files import write_whole
from mtl.metrics import OdsF, Protocol, boundary_counts
from mtl.metrics.boundary import compiled
from mtl.metrics.boundary.compiled.assignment import TIE
from mtl.metrics.boundary.truth import boundary_of
from mtl.run.record import environment

SUMMARY = Path(__file__).parents[1] / "results/summary/bench_edges.csv"
SHAPE = (425, 560)
MAX_DISTANCE = 0.011  # of NYUD-v2
NYUD = 654  # images
OWN = {"images": (4, "different images"), "split": (NYUD, "images of the split that is scored as a whole")}
THRESHOLDS = np.arange(1, 100) / 100
VARIANTS = {"nms": {"nms": 1, "strict": True}, "raw": {"nms": 0, "strict": False}}
ANNOTATORS = 5
SEISM = {"ends": (), "taper": 5, "smooth": False, "quantise": False, "lines_as_partition": False, "interpolate": False}
REGIONS = 60
EVERY = 9  # thresholds, for SciPy
START = """
import sys, time
import numpy as np
before = time.perf_counter()
from mtl.metrics import boundary_counts
loaded = time.perf_counter()
line = np.eye(64, dtype=bool)
boundary_counts(line.astype(np.float32), line, thresholds=np.array([0.5]), max_distance=0.01)
print(loaded - before, time.perf_counter() - loaded)
"""


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


def scipy_seconds(probability: np.ndarray, boundaries: np.ndarray, nms: int, strict: bool) -> tuple[float, np.ndarray]:
    """CPU seconds of SciPy's matching, and the number of predicted pixels paired at every 9th threshold."""
    side = "left" if strict else "right"
    if nms:
        pixels, values = compiled.suppress(probability.astype(np.float32) / np.float32(255), radius=1, taper=5)
        levels = np.searchsorted(THRESHOLDS.astype(np.float32), values, side=side)
    else:
        pixels, levels = np.arange(probability.size), np.searchsorted(THRESHOLDS, probability.ravel() / 255, side=side)
    pixels, words = compiled.thin(pixels, levels, SHAPE, len(THRESHOLDS))
    present = compiled.unpack(words, len(THRESHOLDS))
    reach = MAX_DISTANCE * np.hypot(*SHAPE)
    present = present[EVERY // 2 :: EVERY]
    seconds, paired = 0.0, np.zeros_like(present)
    for boundary in boundaries:
        graph = compiled.candidates(pixels, boundary, reach)
        unit = TIE if len(boundaries) == 1 else 1  # SciPy is faster without what decides between equal costs
        costs = compiled.pair_costs(graph, pixels, boundary) // unit
        costs = cost_matrix(graph, costs, compiled.cost_alone(reach) // unit)
        near = np.diff(graph.starts) > 0
        start = time.process_time()
        for threshold, there in enumerate(present):
            rows = np.flatnonzero(there & near)
            some = costs[rows]
            used, columns = np.unique(some.indices, return_inverse=True)
            some = csr_array((some.data, columns, some.indptr), shape=(len(rows), len(used)))
            found, columns = min_weight_full_bipartite_matching(some)
            paired[threshold, rows[found[used[columns] < len(graph.back) - 1]]] = True
        seconds += EVERY * (time.process_time() - start)
    return seconds, paired.sum(axis=1)


def cost_matrix(graph: compiled.Graph, costs: np.ndarray, alone: int) -> csr_array:
    """Costs of all pairs, and of leaving each predicted pixel alone in a column of its own."""
    num_pixels, num_boundary = len(graph.starts) - 1, len(graph.back) - 1
    own = np.arange(num_pixels)
    rows = np.concatenate([np.repeat(own, np.diff(graph.starts)), own])
    values = np.concatenate([costs, np.full(num_pixels, alone)]) + 1.0  # a sparse array drops zeros
    columns = np.concatenate([graph.numbers, num_boundary + own])
    return csr_array((values, (rows, columns)), shape=(num_pixels, num_boundary + num_pixels))


def compare(images: list[tuple[np.ndarray, np.ndarray]], variant: str, annotators: int) -> dict[str, float]:
    """Mean CPU seconds per image, of ours (best of three) and of SciPy's."""
    ours, theirs, predicted = [], [], []
    for probability, boundary in images:
        boundaries = np.stack([np.roll(boundary, (2 * number, -number), (0, 1)) for number in range(annotators)])
        times, counts = [], np.empty(0)
        for _ in range(3):
            start = time.process_time()
            counts = boundary_counts(
                probability, boundaries, thresholds=THRESHOLDS, max_distance=MAX_DISTANCE, **VARIANTS[variant]
            )
            times.append(time.process_time() - start)
        seconds, pairs = scipy_seconds(probability, boundaries, **VARIANTS[variant])
        if not np.array_equal(pairs, counts[0, EVERY // 2 :: EVERY]):
            raise ValueError(f"SciPy finds {pairs.tolist()} pairs, ours {counts[0, EVERY // 2 :: EVERY].tolist()}")
        ours.append(min(times))
        theirs.append(seconds)
        predicted.append(counts[1].max())
    return {
        "images": len(images),
        "boundary_px": float(np.mean([np.count_nonzero(boundary) for _, boundary in images])),
        "predicted_px": float(np.mean(predicted)),
        "seconds": float(np.mean(ours)),
        "scipy_seconds": float(np.mean(theirs)),
        "ratio": float(np.mean(theirs) / np.mean(ours)),
        "least_ratio": float(np.min(np.divide(theirs, ours))),
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


def first_scores() -> dict[str, dict[str, float]]:
    """Clock seconds of importing, and of the first image scored, in a process that compiles and in the next one."""
    lines = {}
    with TemporaryDirectory() as folder:
        for row in ("first process, compiles", "second process"):
            done = subprocess.run(
                [sys.executable, "-c", START],
                env=os.environ | {"NUMBA_CACHE_DIR": folder},
                capture_output=True,
                text=True,
                check=True,
            )
            lines[row] = dict(
                zip(("import_clock_seconds", "first_clock_seconds"), map(float, done.stdout.split()), strict=True)
            )
    return lines


def main(own: Mapping[str, int]) -> None:
    """Measures, and replaces the rows of this machine in the summary."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    images = [image(seed) for seed in range(own["images"])]
    lines = {variant: compare(images, variant, 1) for variant in VARIANTS}
    lines[f"nms, {ANNOTATORS} annotators"] = compare(images[:1], "nms", ANNOTATORS)
    lines |= {f"split, {n or 'no'} threads": score(images, own["split"], n) for n in (0, 2)} | first_scores()
    about = environment(torch.device("cpu"))
    table = pd.DataFrame([{"row": row, **line} for row, line in lines.items()])
    table["nyud_seconds"] = NYUD * table["seconds"]  # of one core
    print(tabulate(table.to_dict("list"), headers="keys", showindex=False, floatfmt=".3f"))
    where = {"height": SHAPE[0], "width": SHAPE[1], "thresholds": len(THRESHOLDS)}
    table = table.assign(**where, device=about["device"], commit=about["commit"])
    if SUMMARY.exists():
        table = pd.concat([pd.read_csv(SUMMARY), table]).drop_duplicates(["device", "row"], keep="last")
    write_whole(SUMMARY, table.to_csv(index=False, float_format="%.4g", lineterminator="\n"))


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
