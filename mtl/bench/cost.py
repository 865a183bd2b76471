"""What a training step costs: floating-point operations, passes over the encoder, time and memory."""

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


def operations(work: Workload, step: Step) -> tuple[int, int]:
    """Floating-point operations of a step, and how often it differentiates the encoder down to the image."""
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


def seconds(work: Workload, steps: Sequence[Step], rounds: int) -> list[list[float]]:
    """Seconds of every step in every round.

    A round takes each step once, in random order, so that whatever slows the machine down for a while hits all
    steps alike: compare within a round. Two rounds before the first one warm up. On the CPU the time is that of
    this process; of a GPU it is the wall clock's.

    Returns:
        A list per step with a number per round.

    Raises:
        ValueError: There are too few rounds for quartiles.
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
    """Most memory that a step holds above what is there before it, its gradients included, in MiB.

    On the CPU it is the process's own: call it through `in_new_process`, one step a process. NaN where the system
    cannot start the measurement of a peak anew (not Linux).
    """
    step(work)  # else it would count kernels, caches and everything else that is loaded once
    work.clear()
    if work.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(work.device)
        rest = torch.cuda.memory_allocated(work.device)
        step(work)
        return (torch.cuda.max_memory_allocated(work.device) - rest) / 2**20
    if not (clear := Path("/proc/self/clear_refs")).exists():
        return math.nan
    clear.write_text("5")  # the peak starts anew: man 5 proc
    rest = _resident("VmRSS")
    step(work)
    return _resident("VmHWM") - rest


def in_new_process(function: Callable[..., float], *args: Any) -> float:
    """Calls a function in a process of its own that returns freed tensors to the system at once.

    Otherwise malloc keeps them, and the peak of the process says little about the peak of the step.
    """
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**16)  # bytes; glibc reads it when the process starts
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            return pool.submit(function, *args).result()
    finally:
        del os.environ["MALLOC_MMAP_THRESHOLD_"]


def _resident(key: str) -> float:
    """A line of /proc/self/status in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 2**10 for line in lines if line.startswith(f"{key}:"))
