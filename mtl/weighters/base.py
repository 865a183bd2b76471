"""The interface between a weighter (a rule for weighting tasks) and the gradient engine."""

import math
from abc import ABC, abstractmethod
from enum import Enum
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from mtl.weighters.limits import Ge

ZERO = 1e-12  # a gradient shorter than this fraction of the longest one counts as vanished
SHORTEST = torch.finfo(
    torch.float32
).tiny  # so does any gradient up to this length, because 1 / length must be a float32

BETAS, EPS = (0.9, 0.999), 1e-8  # Adam's own defaults


class Needs(Enum):
    """The input that a weighter needs."""

    LOSSES = "losses"  # only the T loss values
    GRAMIAN = "gramian"  # their inner products, [T, T]
    GRADIENTS = "gradients"  # the rows themselves, [T, P]


class Scope(Enum):
    """Where the task gradients are taken, from cheap to expensive."""

    FEATURES = "features"  # at the shared encoder's output, flattened over B, C, H, W: about the cost of Uniform
    LAST_LAYER = "last_layer"  # at the last shared layer's weight: T short vector-Jacobian products more
    SHARED = "shared"  # at all shared parameters: T passes over the encoder


ScopeWord = Literal["features", "last_layer", "shared"]  # the values of `Scope`


class Update(NamedTuple):
    """Result of a weighter for one optimizer step."""

    weights: Tensor  # [T] factor on each task's own (head) gradients, detached
    shared_weights: Tensor | None = None  # [T] of the shared update, from gradients only; None: the same as weights
    direction: Tensor | None = None  # [P] shared update itself, if coefficients cannot express it
    penalty: Tensor | None = None  # scalar objective of the weighter's own parameters, attached to them only


class Weighter(nn.Module, ABC):
    """Turns the losses and gradients of T tasks into one update.

    All state between steps must be in buffers and parameters, so that `state_dict()` contains it.

    Args:
        num_tasks: Number of tasks T.
    """

    needs: ClassVar[Needs]
    native: ClassVar[Literal["sum", "mean", "own"]]  # scale of what forward returns; the engine turns mean into sum
    constant: ClassVar[bool] = False  # True: of the batch, weights depend only on which tasks are active
    scopes: ClassVar[tuple[Scope, ...]] = tuple(Scope)  # where it can see gradients
    recompute: ClassVar[bool] = False  # True: after_step needs new losses of the same batch (FAMO)
    judges: ClassVar[bool] = False  # True: observe must be called with KPIs of the batch before every forward (DTP)
    looks_ahead: ClassVar[bool] = False  # True: learn must be called before every forward (Auto-Lambda)

    def __init__(self, num_tasks: int) -> None:
        super().__init__()
        if num_tasks < 1:
            raise ValueError(f"a weighter needs at least one task, got num_tasks={num_tasks}")
        self.num_tasks = num_tasks

    @abstractmethod
    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights of this step. The engine calls it once per optimizer step, with finite numbers only.

        Args:
            losses: Detached loss values. Shape [T].
            gradients: None, the Gramian (shape [T, T]) or the task gradients (shape [T, P]), as `needs` says.
            active: Tasks with labels, a finite loss and a finite gradient; None means all. Inactive tasks get
                weight 0 and do not change the state. Shape [T], bool.
        """

    def observe(self, kpis: Tensor) -> None:
        """Called before each `forward` if `judges` is True.

        Args:
            kpis: How well each task is predicted in this batch, from 0 to 1; NaN where that is unknown. Shape [T].
        """

    def learn(self, slopes: Tensor) -> None:
        """Called before each `forward` if `looks_ahead` is True.

        Args:
            slopes: By how much a higher weight of each task in the step would change the loss on held-out images after
                it: the derivative, not finite where it is unknown. Shape [T].
        """

    def after_step(self, losses: Tensor | None = None) -> None:
        """Called after each optimizer step.

        Args:
            losses: Losses of the same batch after the step if `recompute` is True, else None. Shape [T].
        """

    def after_epoch(self) -> None:
        """Called after each epoch."""

    def diagnostics(self) -> dict[str, float]:
        """Numbers to log in addition to the weights, such as the failures of a solver."""
        return {}


class RandomWeighter(Weighter):
    """A weighter that draws random numbers from its own generator, whose state is part of `state_dict`.

    It has its own seed, because processes that seed torch differently must still draw the same numbers.

    Args:
        num_tasks: Number of tasks T.
        seed: Seed of the generator; must be the same in every process.
    """

    def __init__(self, num_tasks: int, seed: Annotated[int, Ge(0)] = 0) -> None:
        super().__init__(num_tasks)
        self.generator = torch.Generator().manual_seed(seed)

    def get_extra_state(self) -> Tensor:
        """State of the generator, for `state_dict`."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Restores the generator, from `load_state_dict`."""
        self.generator.set_state(state.cpu())


class LearnedWeighter(Weighter):
    """A weighter that learns its weights with Adam, with a count of steps for each task.

    Args:
        num_tasks: Number of tasks T.
        init: The weights before the first step.
        lr: Learning rate of the weights.
    """

    task_weights: Tensor
    first_moments: Tensor
    second_moments: Tensor
    steps: Tensor

    def __init__(self, num_tasks: int, init: float, lr: float) -> None:
        super().__init__(num_tasks)
        if not (lr > 0 and math.isfinite(lr)):
            raise ValueError(f"{type(self).__name__}: lr must be a finite number above 0, got {lr}")
        self.lr = lr
        self.register_buffer("task_weights", torch.full((num_tasks,), init, dtype=torch.float64))
        self.register_buffer("first_moments", torch.zeros(num_tasks, dtype=torch.float64))  # Adam's state
        self.register_buffer("second_moments", torch.zeros(num_tasks, dtype=torch.float64))
        self.register_buffer("steps", torch.zeros(num_tasks, dtype=torch.int64))

    def descend(self, gradient: Tensor, counted: Tensor) -> Tensor:
        """The weights after one step of Adam for the counted tasks. Shape [T]."""
        (beta1, beta2), first, second = BETAS, self.first_moments, self.second_moments
        self.first_moments = torch.where(counted, beta1 * first + (1 - beta1) * gradient, first)
        self.second_moments = torch.where(counted, beta2 * second + (1 - beta2) * gradient**2, second)
        self.steps = self.steps + counted
        taken = self.steps.double()  # powers of integers would be float32
        mean = self.first_moments / (1 - beta1**taken)  # [T]
        scale = (self.second_moments / (1 - beta2**taken)).sqrt()  # [T]
        return self.task_weights - self.lr * mean / (scale + EPS)


def mask(weights: Tensor, active: Tensor | None) -> Tensor:
    """Weights with those of inactive tasks set to 0. Shape [T]."""
    return weights if active is None else torch.where(active, weights, 0.0)


def share(weights: Tensor, active: Tensor | None) -> Tensor:
    """An equal share of 1 for every active task, like `weights`. Shape []."""
    return 1 / (weights.new_tensor(len(weights)) if active is None else active.sum().clamp(min=1).to(weights))


def alive(norms: Tensor, active: Tensor | None) -> Tensor:
    """Active tasks whose gradient has not vanished compared with the longest, so division is safe. Shape [T]."""
    norms = mask(norms, active)
    return norms > (ZERO * norms.max()).clamp(min=SHORTEST)
