"""Selects the device of a run."""

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
