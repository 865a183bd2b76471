"""Communication between processes; with a single process every function here does nothing."""

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn


def started() -> bool:
    """Whether torchrun started this process."""
    return "RANK" in os.environ


def start(device: torch.device) -> None:
    """Joins the process group of torchrun, if the process was started by it, with a GPU of its own.

    Raises:
        ValueError: There are not enough GPUs, or the device is one of them.
    """
    if started() and not dist.is_initialized():
        if device.type == "cuda":
            own, found = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
            if device.index is not None:
                raise ValueError(f"device={device} is one GPU, and each process needs its own: use device=cuda")
            if own >= found:
                raise ValueError(f"torch sees {found} GPU(s), too few for {os.environ['LOCAL_WORLD_SIZE']} processes")
            torch.cuda.set_device(own)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def stop() -> None:
    """Leaves the process group."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Index of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def wait_for_all() -> None:
    """Returns once every process has called it."""
    if dist.is_initialized():
        dist.barrier()


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Sums the tensor over all processes, in place."""
    if world_size() > 1:
        dist.all_reduce(tensor)
    return tensor


def mean_over_ranks(tensor: Tensor) -> Tensor:
    """Averages the tensor over all processes, in place."""
    return sum_over_ranks(tensor).div_(world_size()) if world_size() > 1 else tensor


def largest_over_ranks(number: int, device: torch.device) -> int:
    """The largest number of all processes; it takes a message on the device."""
    if world_size() == 1:
        return number
    largest = torch.tensor(number, device=device)
    dist.all_reduce(largest, dist.ReduceOp.MAX)
    return int(largest)


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Averages the `.grad` of the parameters over all processes, in one message."""
    if world_size() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    flat = mean_over_ranks(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def average_buffers(module: nn.Module) -> None:
    """Averages floating-point buffers, such as the running statistics of norms, over all processes."""
    for buffer in module.buffers():
        if world_size() > 1 and buffer.is_floating_point():
            mean_over_ranks(buffer)
