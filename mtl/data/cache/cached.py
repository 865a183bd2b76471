"""Decoded once, read by every run: a dataset whose arrays lie in memory-mapped files, one file a label."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import filelock

from mtl.data.base import DenseDataset, Sample
from mtl.data.cache.fill import check_room, fill
from mtl.data.cache.shelf import Metas, Shelf, missing_from
from mtl.data.view import View
from mtl.files import write_whole

VERSION = 1  # of the format


class Cached(View):
    """Reads from a cache what its source would read, bit for bit.

    A label is decoded when a run first asks for it, and shared by all runs, whatever tasks they train. A file appears
    whole or not at all. One that is not what its index says, or does not agree with the first, middle and last image
    of the source, is made anew; other changes in the files of the dataset go unnoticed: delete the folder then. Of
    several processes that miss a file at once, one makes it while the others wait.

    Args:
        source: What to read once.
        root: Folder of all caches.
        settings: All that determines what the source reads, beside the tasks.
        workers: Processes that decode; 0: this one.

    Raises:
        ValueError: The source gives a label in several types.
    """

    def __init__(self, source: DenseDataset, root: Path, settings: Mapping[str, Any], workers: int) -> None:
        super().__init__(source)
        about = {
            "dataset": type(source).__name__,
            "version": [VERSION, source.version],
            "length": len(source),  # a dataset may leave images out that have no label of the only task
            "settings": settings,
        }
        text = json.dumps(about, indent=2, sort_keys=True, default=str, allow_nan=False) + "\n"
        folder = root / f"{type(source).__name__}_{source.split}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        probes = {index: source.read(index) for index in sorted({0, len(source) // 2, len(source) - 1})}
        if missing_from(folder, probes, len(source)):
            folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(f"{folder}.lock"):
                write_whole(folder / "about.json", text)
                if missing := missing_from(folder, probes, len(source)):
                    check_room(folder, [probes[0][key] for key in missing if key != "meta"], len(source))
                    fill(folder, source, missing, workers)
        self.shelves = {key: Metas(folder, key) if key == "meta" else Shelf(folder, key) for key in probes[0]}

    def read(self, index: int) -> Sample:
        """Load one sample; see `DenseDataset.read`."""
        return {key: shelf[index] for key, shelf in self.shelves.items()}
