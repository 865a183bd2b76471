"""Imbalance optimisation in multi-task dense prediction.

`cut`, `backward` and the classes of `mtl.weighters` work in any training loop, without Hydra and without our trainer.
`load` returns the network that a run has trained.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl.places import install

if TYPE_CHECKING:
    from mtl.engine.accumulation import Accumulation
    from mtl.engine.backward import backward
    from mtl.engine.cut import Features, cut
    from mtl.engine.decision import Gradients
    from mtl.trained import TrainedModel
    from mtl.weighters.base import Needs, Scope, Update, Weighter

__version__ = "0.1.0"
__all__ = ["Accumulation", "Features", "Gradients", "Needs", "Scope", "Update", "Weighter", "backward", "cut", "load"]

PARTS = {
    "engine.accumulation": ("Accumulation",),
    "engine.backward": ("backward",),
    "engine.cut": ("Features", "cut"),
    "engine.decision": ("Gradients",),
    "weighters.base": ("Needs", "Scope", "Update", "Weighter"),
}


def __getattr__(name: str) -> Any:
    """Imports a name at its first use, so that scripts without a network start without torch."""
    for part, names in PARTS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{part}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")


def load(
    run: str | Path, checkpoint: str = "best.pt", device: str = "cpu", trust: str | Sequence[str] = ()
) -> "TrainedModel":
    """The network that a run has trained, in evaluation mode, with its preprocessing.

    It runs no code but ours, wherever the folder comes from.

        model = mtl.load("results/runs/rooms_resnet18_vanilla_avgnorm_depth-edge-0123abcd/seed0")
        depth = model(torchvision.io.decode_image("room.jpg"))["depth"]  # [H, W], metres

    Args:
        run: The run folder.
        checkpoint: A checkpoint in it: best.pt or last.pt.
        device: auto, cpu, cuda, or cuda:1 for the second GPU.
        trust: Packages of your own that the run was trained with: their code runs.

    Raises:
        ValueError: The path is not a run folder, its config names other code, or the checkpoint is missing or corrupt.
        ImportError: Only the core of the package is installed.
    """
    if find_spec("hydra") is None:
        raise ImportError(f"mtl.load needs more packages: {install('bench')}")
    from mtl import trained  # noqa: PLC0415  it imports Hydra, which nothing else here needs

    return trained.load(run, checkpoint, device, trust)
