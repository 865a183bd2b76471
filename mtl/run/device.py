"""Selects the device of a run and its kernels."""

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


def choose_kernels(deterministic: bool, precision: str, device: torch.device) -> None:
    """Chooses the fastest kernels of a GPU, or those that give the same bits in every run.

    It changes nothing on the CPU, whose kernels are deterministic.

    Args:
        deterministic: Whether bits must repeat; an operation that has no such kernel then raises an error.
        precision: With `tf32`, products of float32 numbers have 10 bits after the point, with any other word all 23.
        device: Device of the run. Its cuBLAS must not have been used yet.

    Raises:
        ValueError: `deterministic` is not a truth value, or the device has no TF32.
    """
    if not isinstance(deterministic, bool):
        raise ValueError(f"deterministic={deterministic}: use true or false")
    tf32 = precision == "tf32"
    if tf32 and not (device.type == "cuda" and torch.cuda.is_tf32_supported()):
        raise ValueError("recipe.precision=tf32 needs an NVIDIA GPU, Ampere or newer: use float32 or bfloat16")
    if device.type != "cuda":
        return
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.deterministic = deterministic
    torch.use_deterministic_algorithms(deterministic)
