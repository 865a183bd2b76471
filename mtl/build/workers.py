"""Settles `workers: auto` from the cores and the shared memory that a run may use."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from joblib import cpu_count
from omegaconf import DictConfig

from mtl.build.validate import check_keys, check_nodes, select

MOST = 16  # more load no faster than a GPU trains
SHARED = Path("/dev/shm")  # where loaders hand over batches
BATCHES = 2**28  # bytes there per worker: three batches of 6 images of 448x576 with four tasks take 140 MB


def settle(cfg: DictConfig) -> DictConfig:
    """Checks the config, and replaces its `workers: auto` by a number, before anything reads it.

    A launcher's runs at a time and the processes of a run share the cores. One core is left to the training
    process. Two cores without a GPU give 0, because loading takes 4 % of a step on rooms there.

    Raises:
        ValueError: A value is invalid.
    """
    check_keys(cfg)
    if cfg.workers == "auto":
        cores = share(cpu_count(), launcher(), int(os.environ.get("LOCAL_WORLD_SIZE") or cfg.processes))
        room = shutil.disk_usage(SHARED).free // BATCHES if SHARED.is_dir() else MOST
        cfg.workers = 0 if cores == 2 and not has_gpu(cfg.device) else min(cores - 1, MOST, room)
    check_nodes(cfg)
    return cfg


def has_gpu(device: str) -> bool:
    """Whether a run on this device uses a GPU."""
    import torch  # noqa: PLC0415  the command line starts without it

    return device != "cpu" and torch.cuda.is_available()


def share(cores: int, launcher: Mapping[str, Any], processes: int = 1) -> int:
    """Cores of each process, at least 1.

    Args:
        cores: Cores of the machine that may be used.
        launcher: Config of the Hydra launcher; empty outside a sweep.
        processes: Processes of a run on this machine.
    """
    given = [launcher.get("cpus_per_task"), select(launcher, "ray.remote.num_cpus")]
    cores = min([cores, *filter(None, given)])
    runs = launcher.get("n_jobs") or 1  # joblib: below 0 as many as there are cores
    return max(int(cores) // (runs if runs > 0 else int(cores)) // processes, 1)


def launcher() -> Mapping[str, Any]:
    """Config of the launcher of the sweep that this run belongs to."""
    sweep = HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN
    return HydraConfig.get().launcher if sweep else {}
