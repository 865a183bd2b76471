"""Selects the device of a run, and whether its kernels are deterministic."""

import os
import re

import torch


def choose_device(word: str) -> torch.device:
    """The device named by a word such as `auto` or `cuda:1`.

    Raises:
        ValueError: The word is unknown, or the device does not exist.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(word)):
        raise ValueError(f"device={word}: use auto, cpu, cuda, or cuda:1 for the second GPU")
    if word == "auto":
        word = "cuda" if torch.cuda.is_available() else "cpu"
    device, count = torch.device(word), torch.cuda.device_count()
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device={word}, but torch sees no GPU: use device=cpu or a CUDA build of torch")
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ValueError(f"device={word}, but torch sees {count} GPU(s): use device=cuda:{count - 1} or less")
    return device


def choose_kernels(deterministic: bool, device: torch.device) -> None:
    """Chooses the fastest kernels of a GPU, or those that give the same bits in every run.

    It changes nothing on the CPU, whose kernels are deterministic.

    Args:
        deterministic: Whether bits must repeat; an operation that has no such kernel then raises an error.
        device: Device of the run. Its cuBLAS must not have been used yet.

    Raises:
        ValueError: `deterministic` is not a truth value.
    """
    if not isinstance(deterministic, bool):
        raise ValueError(f"deterministic={deterministic}: use true or false")
    if device.type != "cuda":
        return
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = deterministic
    torch.use_deterministic_algorithms(deterministic)
