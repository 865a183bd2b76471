"""Compiles a network region by region, so that the engine can still differentiate each part several times."""

import getpass
import os
import tempfile
import warnings
from pathlib import Path

import torch

from mtl.models.base import MultiTaskModel

VARIANTS = 64  # of a region: training and evaluation, sizes of a batch, rates of stochastic depth


def compile_regions(model: MultiTaskModel, backend: str = "inductor") -> None:
    """Compiles the regions of a network in place, when each is first called; parameters keep their names.

    Args:
        model: The network, on its device.
        backend: Compiler of torch. `aot_eager` only splits the graph and needs no C++ compiler.

    Raises:
        ValueError: torch cannot compile for the device.
    """
    import torch._dynamo.config  # noqa: PLC0415  slow
    import torch._functorch.config  # noqa: PLC0415

    # Task gradients differentiate a region several times, so its backward pass must not reuse what the forward pass
    # saved. Code that does may be in the cache of other programs.
    torch._functorch.config.donated_buffer = False
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir(), f"mtl_{getpass.getuser()}")))
    torch._dynamo.config.recompile_limit = VARIANTS
    warnings.filterwarnings("ignore", "TensorFloat32 tensor cores")  # float32 is meant
    _check(backend, model.device)
    for region in model.regions():
        region.compile(backend=backend, dynamic=False)


def _check(backend: str, device: torch.device) -> None:
    try:
        torch.compile(lambda x: x.cos() + 1, backend=backend)(torch.ones(8, device=device))
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip() and not line.endswith("raised:")]
        reason = next(iter(lines), type(error).__name__)
        raise ValueError(
            f"recipe.compile=true, but torch cannot compile for {device.type} here ({reason}): install a C++ compiler, "
            "or use recipe.compile=false"
        ) from error
