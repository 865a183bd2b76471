"""Cache of decoded images and labels that all runs share: memory-mapped files, one per label."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtl.data.base import DenseDataset, Sample
from mtl.data.cache.fill import check_room, fill
from mtl.data.cache.shelf import Metas, Shelf, missing_from
from mtl.data.view import View
from mtl.files import hold, write_whole

VERSION = 1  # of the format


class Cached(View):
    """Reads from a cache exactly what its source would read, bit for bit.

    A label is decoded when a run first needs it, and then shared by all runs, for any choice of tasks. Files are
    written atomically; of several processes that need a file at once, one writes it and the others wait.

    A file is written again if it does not match its index, or the first, middle and last image of the source. Other
    changes to the files of the dataset are not noticed: delete the folder of the cache after such changes.

    Args:
        source: The dataset to cache.
        root: Folder of all caches.
        settings: Everything except the tasks that determines what the source reads.
        workers: Decoding processes; 0 decodes in this process.
        share: Largest part of the free space that new files may take.

    Raises:
        OSError: The files do not fit, or cannot be written.
        ValueError: The source returns a label in several types.
    """

    def __init__(
        self, source: DenseDataset, root: Path, settings: Mapping[str, Any], workers: int, share: float = 1.0
    ) -> None:
        super().__init__(source)
        about = {
            "dataset": type(source).__name__,
            "version": [VERSION, source.version],
            "length": len(source),  # a dataset may leave out images without labels of the only task
            "settings": settings,
        }
        text = json.dumps(about, indent=2, sort_keys=True, default=str, allow_nan=False) + "\n"
        folder = root / f"{type(source).__name__}_{source.split}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        probes = {index: source.read(index) for index in sorted({0, len(source) // 2, len(source) - 1})}
        if missing_from(folder, probes, len(source)):
            folder.mkdir(parents=True, exist_ok=True)
            with hold(Path(f"{folder}.lock")):
                write_whole(folder / "about.json", text)
                if missing := missing_from(folder, probes, len(source)):
                    check_room(folder, [probes[0][key] for key in missing if key != "meta"], len(source), share)
                    fill(folder, source, missing, workers)
        self.shelves = {key: Metas(folder, key) if key == "meta" else Shelf(folder, key) for key in probes[0]}

    def read(self, index: int) -> Sample:
        """Load one sample; see `DenseDataset.read`."""
        return {key: shelf[index] for key, shelf in self.shelves.items()}
