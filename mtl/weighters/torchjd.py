"""TorchJD: any aggregator of the TorchJD library that works on the Gramian of the gradients.

Quinton and Rey, Jacobian Descent for Multi-Objective Optimization, 2024.
https://arxiv.org/abs/2406.16232, https://torchjd.org
"""

import difflib
import importlib
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

from mtl.places import install
from mtl.weighters.base import Needs, RandomWeighter, Update, mask
from mtl.weighters.limits import Ge


class TorchJD(RandomWeighter):
    """Takes the weights of the task gradients from an aggregator of TorchJD.

    Some aggregators return weights on the scale of a sum, others of a mean: use `scale: native`. As in TorchJD's
    `mtl_backward`, heads train on their own unweighted losses. Inactive tasks are left out of the Gramian. Vanished
    gradients are kept, because TorchJD handles them itself.

    The state of an aggregator (GradVac, PCD) is part of `state_dict`. In a step with an inactive task, the aggregator
    runs without its state and does not change it. Random orders (GradVac, PCGrad) come from this weighter's generator.

    Args:
        num_tasks: Number of tasks T.
        aggregator: Name of a `GramianWeightedAggregator` in `torchjd.aggregation`.
        options: Arguments of its constructor; a list becomes a tensor, and one of length T is indexed by task.
        seed: Seed of its random draws, if any.

    Raises:
        ValueError: TorchJD or one of its solvers is not installed, it has no such aggregator, or the aggregator does
            not work on the Gramian or does not accept the options.

    Deviations from the paper: if the aggregator fails or its weights are not finite, every active task gets 1/T, and
    the step counts as a failure of the solver. Warnings of its solvers are silenced.
    """

    needs: ClassVar[Needs] = Needs.GRAMIAN
    native: ClassVar = "own"
    failures: Tensor
    weighting: nn.Module

    def __init__(
        self, num_tasks: int, aggregator: str, options: Mapping[str, Any], seed: Annotated[int, Ge(0)] = 0
    ) -> None:
        super().__init__(num_tasks, seed)
        self.aggregator = find(aggregator)
        self.options = {key: _as_tensor(value) for key, value in options.items()}
        self.register_buffer("failures", torch.zeros((), dtype=torch.int64))
        try:
            self.weighting = self._build(torch.ones(num_tasks, dtype=torch.bool))
            # gives the buffers of its state their shapes, and raises errors now instead of at every step
            self._ask(self.weighting, torch.eye(num_tasks, dtype=torch.float64), seed=0)
        except ImportError as error:
            raise ValueError(f"aggregator={aggregator} needs more packages: {install('torchjd')}") from error
        except (TypeError, ValueError) as error:
            given = f"aggregator={aggregator} with options={dict(options)}"
            raise ValueError(f"{given}: {error}; set them with +weighter.method.options.NAME=VALUE") from error
        for memory in self.weighting.buffers():
            memory.zero_()  # the initial state of TorchJD

    def forward(self, losses: Tensor, gradients: Tensor | None = None, active: Tensor | None = None) -> Update:
        """Weights from the Gramian [T, T], on the CPU in float64."""
        assert gradients is not None
        present = torch.ones(len(losses), dtype=torch.bool) if active is None else active.cpu()
        weights = torch.zeros(len(losses), dtype=torch.float64)
        if present.any():
            gramian = gradients.double().cpu()[present][:, present]
            # moving the weighter to a device has also moved the state
            weighting = self.weighting.cpu() if present.all() else self._build(present)
            weights[present] = self._solve(weighting, gramian)
        return Update(weights=mask(weights.to(gradients), active))

    def diagnostics(self) -> dict[str, float]:
        """Number of steps in which the aggregator failed or its weights were not finite."""
        return {"solver_failures": self.failures.item()}

    def _solve(self, weighting: nn.Module, gramian: Tensor) -> Tensor:
        """Weights of the aggregator, or equal weights if it fails. Shape [T]."""
        seed = int(torch.randint(2**63 - 1, (), generator=self.generator))
        try:
            weights = self._ask(weighting, gramian, seed)
        except Exception:  # its solvers raise errors without a common base class
            weights = torch.full_like(gramian[0], torch.nan)
        if weights.isfinite().all():
            return weights
        self.failures += 1
        return torch.full_like(gramian[0], 1 / len(gramian))

    @staticmethod
    def _ask(weighting: nn.Module, gramian: Tensor, seed: int) -> Tensor:
        """Weights of TorchJD, which draws from torch's global generator; its state is restored. Shape [T]."""
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.default_generator.manual_seed(seed)
            return weighting(gramian).to(gramian)

    def _build(self, present: Tensor) -> nn.Module:
        """The part of the aggregator that computes weights from a Gramian, for the tasks of the mask [T]."""
        options = {
            key: value[present] if isinstance(value, Tensor) and value.shape == present.shape else value
            for key, value in self.options.items()
        }
        return self.aggregator(**options).gramian_weighting


def find(name: str) -> Any:
    """The aggregator class with this name.

    Raises:
        ValueError: TorchJD is not installed, it has no such aggregator, or it does not work on the Gramian.
    """
    try:
        library: ModuleType = importlib.import_module("torchjd.aggregation")
    except ImportError as error:
        raise ValueError(f"weighter=torchjd needs the package torchjd: {install('torchjd')}") from error
    base = library.GramianWeightedAggregator
    classes = {key: value for key, value in vars(library).items() if isinstance(value, type)}
    known = sorted(key for key, value in classes.items() if issubclass(value, base) and value is not base)
    if name in known:
        return classes[name]
    offer = f"use {', '.join(known)}"
    if name in classes and issubclass(classes[name], library.Aggregator):
        raise ValueError(f"aggregator={name} does not work on the Gramian of the gradients: {offer}")
    closest = difflib.get_close_matches(name, known, n=1)
    question = f"; did you mean {closest[0]}?" if closest else ""
    raise ValueError(f"aggregator={name}: TorchJD has no such aggregator of a Gramian, {offer}{question}")


def _as_tensor(value: Any) -> Any:
    """Converts a list of numbers to a tensor; returns anything else unchanged."""
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return torch.tensor(list(value), dtype=torch.float64) if listed else value
