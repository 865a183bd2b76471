"""Training steps to compare: plain backward, naive weighting, TorchJD, and the engine.

A step is a forward and a backward pass, without the optimizer. It leaves the gradients in `.grad`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl.engine.backward import backward
from mtl.engine.objective import Objective
from mtl.losses.total import TotalLoss
from mtl.models.base import MultiTaskModel
from mtl.task import Task
from mtl.weighters.base import Weighter


class Workload:
    """A network and a batch on which steps are measured.

    Args:
        model: The network.
        tasks: Its tasks, in their order.
        batch: Image and labels.
        device: Device of the model and the batch.
    """

    def __init__(
        self, model: MultiTaskModel, tasks: Sequence[Task], batch: Mapping[str, Tensor], device: torch.device
    ) -> None:
        self.device = device
        self.model = model.to(device)
        self.total_loss = TotalLoss(tasks).to(device)
        self.tasks, self.objective = tasks, Objective(self.model, self.total_loss, "float32")
        self.batch = {key: value.to(device) for key, value in batch.items()}
        self.image = self.batch["image"]  # [B, 3, H, W]

    def clear(self) -> None:
        """Clears the gradients of the last step and waits until the device is idle."""
        self.model.zero_grad(set_to_none=True)
        self.wait()

    def wait(self) -> None:
        """Waits until the device is idle."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class PointHead(nn.Module):
    """The smallest possible head, 1x1 convolution and upsampling, so that the encoder makes up nearly all of the cost.

    Args:
        in_channels: Channels of the encoder's maps; this head reads the last one.
        out_channels: Channels of the prediction.
        bias: Initial bias.
    """

    def __init__(self, *, in_channels: Sequence[int], out_channels: int, bias: float = 0.0) -> None:
        super().__init__()
        self.output = nn.Conv2d(in_channels[-1], out_channels, 1)
        nn.init.constant_(cast("Tensor", self.output.bias), bias)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Prediction [B, out_channels, *size] of the last map [B, C, H, W]."""
        return F.interpolate(self.output(features[-1]), size=size, mode="bilinear", align_corners=False)


Step = Callable[[Workload], None]


def plain(work: Workload) -> None:
    """The baseline: uniform weights and a plain backward pass, without a cut."""
    losses, _ = work.total_loss(work.model(work.image), work.batch)
    torch.stack(losses).sum().backward()


def naive(work: Workload, weighter: Weighter) -> None:
    """Last-layer gradients computed naively: T passes over the heads, then a backward pass of the weighted loss."""
    losses, _ = work.total_loss(work.model(work.image), work.batch)
    layer = work.model.last_layer
    assert layer is not None  # nothing else is measured
    rows = torch.stack([torch.autograd.grad(loss, layer, retain_graph=True)[0].flatten() for loss in losses])
    losses = torch.stack(losses)  # [T]
    weights = weighter(losses.detach(), (rows @ rows.T).double()).weights.to(losses)
    (weights * losses).sum().backward()


def one_pass(work: Workload, weighter: Weighter, **applied: Any) -> None:
    """The engine as the trainer calls it, with the second forward pass for a weighter that needs one."""
    work.objective.judged = work.tasks if weighter.judges else ()
    losses, features, active = work.objective(work.batch)
    if weighter.judges and work.objective.shares is not None:
        weighter.observe(work.objective.shares[:, 0] / work.objective.shares[:, 1])
    layer, shared = work.model.last_layer, work.model.shared_parameters()
    backward(losses, features, weighter, last_layer=layer, shared=shared, active=active, **applied)
    if weighter.recompute:
        weighter.after_step(work.objective.values([work.batch]))


def torchjd(work: Workload, aggregator: Any) -> None:
    """The same step with TorchJD as in its documentation; for vanilla networks only."""
    from torchjd.autojac import jac_to_grad, mtl_backward  # noqa: PLC0415  an extra

    maps = work.model.encode(work.image)
    outputs = work.model.decode([maps] * len(work.model.task_names), (work.image.shape[-2], work.image.shape[-1]))
    losses, _ = work.total_loss(outputs, work.batch)
    mtl_backward(losses, features=maps)
    jac_to_grad(work.model.shared_parameters(), aggregator)


def torchjd_general(work: Workload, aggregator: Any) -> None:
    """The same step with TorchJD, for any network.

    `mtl_backward` needs features that do not depend on each other, and no shared parameters behind them; MTAN violates
    both. One row after another (`parallel_chunk_size=1`) is faster here than all at once.
    """
    from torchjd.autojac import backward, jac_to_grad  # noqa: PLC0415  an extra

    losses, _ = work.total_loss(work.model(work.image), work.batch)
    shared = work.model.shared_parameters()
    known = set(map(id, shared))
    backward(losses, inputs=shared, retain_graph=True, parallel_chunk_size=1)
    jac_to_grad(shared, aggregator)
    torch.autograd.backward(losses, inputs=[p for p in work.model.parameters() if id(p) not in known])
