"""Renders a split into the arrays of a cache with several processes, one camera path at a time."""

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from mtl.children import be_helper
from mtl.data.rooms.render import render
from mtl.data.rooms.spec import LAYOUT, Spec


def produce(folder: Path, spec: Spec, workers: int) -> None:
    """Render a whole split into the arrays in `folder`.

    Args:
        folder: Holds one .npy per image or label, of shape [N, C, H, W], to be filled.
        spec: What to render.
        workers: Rendering processes; with 0 or 1, this process renders.
    """
    scans = [(folder, spec, scan) for scan in range(spec.scenes * spec.scans)]
    with tqdm(total=len(spec), desc=f"rendering rooms {spec.split}", unit="img", mininterval=1) as bar:
        for _ in _run(scans, workers):
            bar.update(spec.views)


def _run(scans: list[tuple[Path, Spec, int]], workers: int) -> Iterator[None]:
    if workers <= 1:
        yield from map(render_scan, scans)
        return
    # A forked child starts at once; a spawned one would first repeat all imports of this process.
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, context, initializer=_set_up) as pool:
        yield from pool.map(render_scan, scans)


def _set_up() -> None:
    be_helper()
    cv2.setNumThreads(0)


def render_scan(job: tuple[Path, Spec, int]) -> None:
    """Render the views of one camera path into their rows of the arrays.

    Args:
        job: Folder of the arrays, what to render, and the number of the path in the split.
    """
    folder, spec, scan = job
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in LAYOUT}
    for index in range(scan * spec.views, (scan + 1) * spec.views):
        maps = render(spec, *spec.place(index))
        for name, array in arrays.items():
            array[index] = maps[name]
