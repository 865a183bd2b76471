"""Gives each run of a sweep a GPU of its own: `hydra/launcher=gpus`."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import filelock
from hydra.core.utils import env_override
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict, read_write

from mtl.cli.ending import end
from mtl.files import hold

VISIBLE = "CUDA_VISIBLE_DEVICES"


class OwnGPUs(Callback):
    """Lets as many runs train at a time as there are GPUs, each on its own; without the launcher it does nothing.

    Run k of a sweep gets GPU k mod n or, if an earlier run is still using that one, the next free one. A run of several
    processes gets as many GPUs.
    """

    taken: ExitStack | None = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Sets the number of runs at a time."""
        if not chosen(config):
            return
        try:
            number = places(config)
        except ValueError as error:
            end(str(error))  # Hydra would only warn
        with read_write(config), open_dict(config):
            config.hydra.launcher.n_jobs = number
            config.hydra.overrides.hydra.append(f"hydra.launcher.n_jobs={number}")  # what the runs see of it

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Chooses the GPUs of a run."""
        if not chosen(config) or config.hydra.mode is not RunMode.MULTIRUN:
            return
        number, count, size = config.hydra.job.num, config.hydra.launcher.n_jobs, config.processes
        self.taken = ExitStack()
        place = self.taken.enter_context(free_place(Path(config.hydra.sweep.dir), number, count))
        if size == 1:
            import torch  # noqa: PLC0415

            torch.cuda.set_device(place)
            return
        visible = os.environ.get(VISIBLE) or ",".join(map(str, range(count * size)))
        own = visible.split(",")[place * size : (place + 1) * size]
        self.taken.enter_context(env_override({VISIBLE: ",".join(own)}))  # its processes see no others

    def on_job_end(self, *_: Any, **__: Any) -> None:
        """Leaves the GPUs to the next run."""
        if self.taken:
            self.taken.close()


def chosen(config: DictConfig) -> bool:
    """Whether the runs are launched on GPUs of their own."""
    return config.hydra.runtime.choices.get("hydra/launcher") == "gpus"


def places(config: DictConfig) -> int:
    """Number of runs at a time.

    Raises:
        ValueError: There are not enough GPUs for one, or the device leaves no choice.
    """
    import torch  # noqa: PLC0415  a mistyped word need not wait for it

    found, needed = torch.cuda.device_count(), config.processes
    if found < needed:
        raise ValueError(f"hydra/launcher=gpus: torch sees {found} GPU(s), a run needs {needed}; use two or basic")
    if config.device not in ("auto", "cuda"):
        raise ValueError(f"device={config.device}: hydra/launcher=gpus gives each run its own GPU; use device=auto")
    return found // needed


@contextmanager
def free_place(folder: Path, number: int, count: int) -> Iterator[int]:
    """A place that no other run of the sweep has: `number` mod `count`, or the next free one.

    There is one for each of the runs at a time.
    """
    for offset in range(count + 1):
        place = (number + offset) % count
        try:
            with hold(folder / f".place{place}.lock", blocking=offset == count):
                yield place
                return
        except filelock.Timeout:
            continue
