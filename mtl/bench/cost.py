"""Measures the cost of a training step: floating-point operations, encoder passes, time and memory."""

import math
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mtl.bench.steps import Step, Workload
from mtl.models.base import MultiTaskModel


def operations(work: Workload, step: Step) -> tuple[int, int]:
    """Floating-point operations of a step, and the number of full backward passes over the encoder."""
    passes = 0

    def count(_: Tensor) -> None:
        nonlocal passes
        passes += 1

    work.clear()
    handle = work.model.shared_parameters()[0].register_hook(count)  # the first layer comes last in every full pass
    with FlopCounterMode(display=False) as counter:
        step(work)
    handle.remove()
    work.clear()
    return counter.get_total_flops(), passes


def operations_per_image(build: Callable[[], MultiTaskModel], height: int, width: int) -> float:
    """Floating-point operations of forward and backward on an image, heads included; nothing is computed or loaded.

    Args:
        build: Makes the network, on PyTorch's meta device.
        height: Of the images, in pixels.
        width: Likewise.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        outputs = build().train()(torch.empty(2, 3, height, width))  # BatchNorm needs two
        parts = (outputs.final, *outputs.auxiliary, outputs.coarse)
        torch.stack([map_.sum() for part in parts for map_ in part.values()]).sum().backward()
    return counter.get_total_flops() / 2


def seconds(work: Workload, steps: Sequence[Step], rounds: int) -> list[list[float]]:
    """Seconds of every step in every round.

    A round runs each step once, in random order, so that temporary load on the machine affects all steps equally:
    compare times within a round. Two rounds warm up first. Times are CPU time of this process on the CPU, and
    wall-clock time on a GPU.

    Returns:
        A list per step with a number per round.

    Raises:
        ValueError: There are fewer than 2 rounds.
    """
    if rounds < 2:
        raise ValueError(f"rounds={rounds}: quartiles need at least 2")
    clock = time.perf_counter if work.device.type == "cuda" else time.process_time
    taken: list[list[float]] = [[] for _ in steps]
    for current in range(-2, rounds):
        for index in random.sample(range(len(steps)), len(steps)):
            work.clear()
            start = clock()
            steps[index](work)
            work.wait()
            if current >= 0:
                taken[index].append(clock() - start)
    work.clear()
    return taken


def ratio_to(baseline: Sequence[float], times: Sequence[float]) -> tuple[float, float, float]:
    """Quartiles over rounds of the ratio within a round: 25 %, median, 75 %."""
    ratios = [own / other for own, other in zip(times, baseline, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, median, high


def memory(work: Workload, step: Step) -> float:
    """Peak memory of a step above what was allocated before it, including its gradients, in MiB.

    On the CPU it is measured for the whole process: call it through `in_new_process`, one step per process. NaN if the
    system cannot reset the peak (outside Linux).
    """
    step(work)  # loads kernels and caches, which must not count
    work.clear()
    if work.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(work.device)
        rest = torch.cuda.memory_allocated(work.device)
        step(work)
        return (torch.cuda.max_memory_allocated(work.device) - rest) / 2**20
    if not (clear := Path("/proc/self/clear_refs")).exists():
        return math.nan
    clear.write_text("5")  # resets the peak, see man 5 proc
    rest = _resident("VmRSS")
    step(work)
    return _resident("VmHWM") - rest


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    """Calls a function in a new process that returns freed tensors to the system at once.

    Otherwise malloc keeps them, and the peak of the process is not that of the step.
    """
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**16)  # bytes; glibc reads it when the process starts
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            return pool.submit(function, *args).result()
    finally:
        del os.environ["MALLOC_MMAP_THRESHOLD_"]


def _resident(key: str) -> float:
    """Value of a line of /proc/self/status, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 2**10 for line in lines if line.startswith(f"{key}:"))
