"""A trained network with its preprocessing, as `mtl.load` returns it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import tv_tensors

from mtl.build.model import rebuild
from mtl.models.base import MultiTaskModel
from mtl.run.checkpoint import load_weights
from mtl.run.device import choose_device
from mtl.tasks import find_task


class UnfitPictureError(ValueError):
    """The input is not an image, or its size does not fit the network."""


class TrainedModel(nn.Module):
    """A network in evaluation mode that maps an image to predictions in natural units.

    Args:
        network: The trained network.
        transform: Evaluation transform of the dataset; it gets the keys `image` and `meta`.
        class_names: Names of the classes, by task.
    """

    def __init__(
        self,
        network: MultiTaskModel,
        transform: Callable[[dict[str, Any]], dict[str, Any]],
        class_names: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__()
        self.network = network
        self.transform = transform
        self.class_names = class_names
        self.eval()

    @property
    def task_names(self) -> tuple[str, ...]:
        """The tasks, in order."""
        return self.network.task_names

    @torch.inference_mode()
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Predictions of all tasks at the size of the image, in float32.

        Args:
            image: Red, green and blue, uint8. Shape [3, H, W], any H and W.

        Returns:
            By task, as `natural` in its file in `mtl/tasks` defines: a class, metres or a probability [H, W], unit
            vectors [3, H, W].
        """
        batch, (top, left) = self.prepare(image)
        height, width = image.shape[-2:]
        final = self.network(batch.to(self.network.device)).final
        window = (slice(None), slice(top, top + height), slice(left, left + width))
        return {task: find_task(task).natural(prediction[0][window].float()) for task, prediction in final.items()}

    def prepare(self, image: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """The network's input [1, 3, H', W'], and the row and column where the image starts in it.

        The transform of the dataset comes first. Then the sides are padded with the mean colour to multiples that the
        network can tile.

        Raises:
            UnfitPictureError: This is not an image, or the transform rejects or crops it.
        """
        if image.dtype != torch.uint8 or image.dim() != 3 or len(image) != 3 or not image.numel():
            raise UnfitPictureError(
                f"an image is uint8 of shape [3, H, W], got {image.dtype} of shape {list(image.shape)}"
            )
        size = tuple(image.shape[-2:])
        meta = {"id": "given", "size": size, "padding": (0, 0)}
        try:
            sample = self.transform({"image": tv_tensors.Image(image.cpu()), "meta": meta})
        except ValueError as error:
            raise UnfitPictureError(f"the transform of the dataset rejects it ({error}); shrink it first") from error
        pixels, place = sample["image"], sample["meta"]["padding"]
        if any(inner < begin + side for inner, begin, side in zip(pixels.shape[-2:], place, size, strict=True)):
            raise UnfitPictureError(
                f"image of {size[0]} x {size[1]}: the transform of the dataset crops it; shrink it first"
            )
        rows, columns = (-side % self.network.backbone.multiple for side in pixels.shape[-2:])
        above, before = rows // 2, columns // 2
        padded = F.pad(pixels, (before, columns - before, above, rows - above))  # 0 is the mean colour
        return padded[None], (place[0] + above, place[1] + before)


def load(
    run: str | Path, checkpoint: str = "best.pt", device: str = "cpu", trust: str | Sequence[str] = ()
) -> TrainedModel:
    """The network that a run trained; see `mtl.load`."""
    folder = Path(run)
    if not (folder / "config.yaml").is_file():
        seeds = sorted(path.name for path in folder.glob("seed*/"))
        hint = f"; its runs are {', '.join(seeds)}" if seeds else ""
        raise ValueError(f"{folder} is not a run folder, it has no config.yaml{hint}")
    if not (folder / checkpoint).is_file():
        there = ", ".join(sorted(path.name for path in folder.glob("*.pt"))) or "none yet"
        kept = (folder / "record.json").is_file() and checkpoint in ("best.pt", "last.pt")
        words = f"keep={checkpoint.removesuffix('.pt')} or keep=both"
        hint = f"; a finished run keeps it with {words}: put it back, or train again with force=true" * kept
        raise ValueError(f"{folder} has no {checkpoint}; checkpoints: {there}{hint}")
    where = choose_device(device)
    model = TrainedModel(*rebuild(folder / "config.yaml", trust))
    load_weights(model.network, folder / checkpoint, "does not fit the network of its config.yaml")
    return model.to(where)
