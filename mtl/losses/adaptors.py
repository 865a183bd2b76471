"""Layers that map a network's features to those of its teachers while it is trained, and are then thrown away."""

import math
from typing import Any

import torch
from torch import nn


class Adaptors(nn.Module):
    """Layers with an Adam of their own, whose learning rate decays as half a cosine, step by step.

    Build the layers, then call `learn`.
    """

    def learn(self, *, steps: int, lr: float, weight_decay: float) -> None:
        """Creates the optimizer of the layers there are.

        Args:
            steps: Length of the run in optimizer steps.
            lr: Initial learning rate.
            weight_decay: Weight decay.

        Raises:
            ValueError: One of them is out of range.
        """
        if not (0 < lr < math.inf and 0 <= weight_decay < math.inf and steps >= 1):
            raise ValueError(
                f"use lr above 0, weight_decay 0 or above and steps 1 or above: {lr}, {weight_decay}, {steps}"
            )
        self.optimizer = torch.optim.Adam([{"params": [*self.parameters()]}], lr=lr, weight_decay=weight_decay)
        self.lr, self.steps, self.step = lr, steps, 0

    def after_step(self, scaler: torch.amp.GradScaler | None = None) -> None:
        """Step the layers; call it after a step of the model's optimizer.

        Args:
            scaler: The gradient scaler of mixed precision, if used.
        """
        (group,) = self.optimizer.param_groups
        if scaler is None or not group["params"]:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
        self.step += 1
        group["lr"] = self.lr * (1 + math.cos(math.pi * self.step / self.steps)) / 2

    def get_extra_state(self) -> dict[str, Any]:
        """What `state_dict` holds in addition to the layers."""
        return {"optimizer": self.optimizer.state_dict(), "step": self.step}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore it; called by `load_state_dict`."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
