"""The record of a run: step times, memory, environment and metrics, so that its numbers can be reproduced."""

import math
import platform
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mtl.files import read_json, warn, write_json
from mtl.run import code
from mtl.task import Task

PACKAGES = ("torch", "torchvision", "timm", "hydra-core", "numpy", "scipy", "opencv-python-headless")
DECISIVE = (  # for a run's numbers
    *("device", "cpu", "cpu_capability", "threads", "processes", "deterministic"),
    *("packages", "code"),
)


class StepTimer:
    """Times training steps in windows without statistics or evaluations.

    Args:
        device: Synchronised at both ends of a window, and nowhere in between.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.windows: list[tuple[float, float]] = []  # seconds per step, (wall, CPU)
        self._opened: tuple[int, float, float] | None = None

    def start(self, step: int) -> None:
        """Opens a window before the step after `step`."""
        self._opened = (step, *self._now())

    def stop(self, step: int) -> None:
        """Closes the window after `step`; does nothing if none is open."""
        if self._opened and step > self._opened[0]:
            first, wall, cpu = self._opened
            now_wall, now_cpu = self._now()
            self.windows.append(((now_wall - wall) / (step - first), (now_cpu - cpu) / (step - first)))
        self._opened = None

    def _now(self) -> tuple[float, float]:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter(), time.process_time()

    def state_dict(self) -> dict[str, list]:
        """The windows measured so far."""
        return {"windows": [list(window) for window in self.windows]}

    def load_state_dict(self, state: dict[str, list]) -> None:
        """Restores the windows."""
        self.windows = [tuple(window) for window in state["windows"]]

    def summary(self) -> dict[str, float | None]:
        """Median seconds per step; None if no window held a step."""
        walls, cpus = zip(*self.windows, strict=True) if self.windows else ((), ())
        return {
            "step_seconds": statistics.median(walls) if walls else None,
            "step_cpu_seconds": statistics.median(cpus) if cpus else None,
        }


def forget_peak_memory(device: torch.device) -> None:
    """Resets `peak_memory` where the system allows it, because a sweep trains several runs in one process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif (clear := Path("/proc/self/clear_refs")).exists():
        clear.write_text("5")


def peak_memory(device: torch.device) -> float:
    """Peak memory of the run so far in MiB: of the GPU, or of the process on the CPU (NaN outside Linux)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((float(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM:")), math.nan)


def device_name(device: torch.device) -> str:
    """Kind and model of the device."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()[0]
    return f"{device.type} ({name})"


def environment(device: torch.device) -> dict[str, Any]:
    """Machine, code version and package versions of this run."""
    commit = code.commit()
    return {
        "device": device_name(device),
        "cpu": _processor()[1],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled() or device.type == "cpu",
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
        "commit": commit,
        "code": code.fingerprint(),
        "changed": commit and bool(code.changes()),
        "command": shlex.join(sys.argv),
    }


def environments(folder: Path, now: dict[str, Any]) -> list[dict[str, Any]]:
    """The different environments in which the run was trained, the current one last: it may have resumed elsewhere.

    Args:
        folder: The run folder, where they are kept.
        now: The current one.
    """
    path = folder / "environments.json"
    try:
        earlier = read_json(path, [{"device": str}]) if path.exists() else []
    except ValueError as error:
        earlier = []
        warn(f"{error}: the record will not name the environments before this one")
    found = [*(one for one in earlier if any(one.get(key) != now.get(key) for key in DECISIVE)), now]
    write_json(path, found, indent=2)
    return found


def metrics_of(tasks: Sequence[Task]) -> dict[str, dict[str, Any]]:
    """The primary metric of each task, its direction, and its protocol preset if it has one."""
    return {
        task.name: {
            "primary": task.metric.primary,
            "higher_is_better": task.metric.higher_is_better,
            "preset": getattr(task.metric, "preset", None),
        }
        for task in tasks
    }


def _processor() -> tuple[str, str]:
    """Name of the processor with its cores, and with its family and model: in a cloud, many models share a name."""
    if not (about := Path("/proc/cpuinfo")).exists():
        name = platform.processor() or platform.machine()
        return name, name
    lines = [line.partition(":")[::2] for line in about.read_text().splitlines()]
    fields = {key.strip(): value.strip() for key, value in lines}
    if not (name := fields.get("model name")):
        return platform.machine(), platform.machine()
    cores = sum(key.strip() == "model name" for key, _ in lines)
    numbers = [f"{key} {fields[key]}" for key in ("cpu family", "model", "stepping") if key in fields]
    return f"{name}, {cores} cores", ", ".join([name, *numbers])
