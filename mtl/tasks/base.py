"""The contract of a task's label, and how a label is found by the name of its task."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from mtl.data.stored import Stored

IGNORE = 255  # an invalid pixel of every map of classes
GREY = (0.5, 0.5, 0.5)  # of invalid pixels in pictures

Map = NDArray[Any]
AnyMap = TypeVar("AnyMap", NDArray[Any], "Tensor")


class Notation(NamedTuple):
    """How a metric is written, and which direction is better.

    Args:
        name: Its name in print.
        unit: Its unit.
        digits: Decimals worth printing.
        higher_is_better: Direction.
    """

    name: str
    unit: str
    digits: int
    higher_is_better: bool


@dataclass(frozen=True)
class Noise:
    """How labels are corrupted.

    Args:
        mode: `pixel` or `category`, for maps of classes.
        num_classes: Number of classes of the dataset.
        categories: How many classes of an image are corrupted.
        rate: Probability of a wrong class.
        deviations: Standard deviation by task, in the unit of its label.
    """

    mode: str
    num_classes: int
    categories: int
    rate: float
    deviations: Mapping[str, float]


def valid(label: AnyMap, fill: float) -> AnyMap:
    """Where a map has a label: pixels with a channel that differs from the fill. Shapes [..., C, H, W], [..., 1, H, W].

    This is the only rule of validity: losses, metrics, noise, padding and pictures all follow it.

    Args:
        label: NumPy array or tensor.
        fill: What an invalid pixel holds in all channels.
    """
    return (label != fill).any(axis=-3, keepdims=True)


class Label:
    """A map that belongs to an image and moves with it. A subclass with a `name` of its own can be found by it."""

    name: ClassVar[str]  # key in samples
    fill: ClassVar[float]  # what an invalid pixel holds
    channels: ClassVar[int] = 1
    mirrored: ClassVar[tuple[int, ...]] = ()  # channels that change their sign in a mirror image

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" in cls.__dict__:
            LABELS[cls.name] = cls

    def valid(self, label: AnyMap) -> AnyMap:
        """Where the map has a label; see `valid`."""
        return valid(label, self.fill)

    def zoomed(self, label: "Tensor", factor: float) -> "Tensor":
        """The values of a map that is seen `factor` times as large, invalid pixels unchanged. Shapes [C, H, W]."""
        return label


LABELS: dict[str, type[Label]] = {}  # by name


class TaskLabel(Label, ABC):
    """The label of a task: what it is, how files hold it, how a network predicts it, how it is drawn."""

    colour: ClassVar[str]  # of the task in figures
    place: ClassVar[int] = 100  # of the task in figures, from low to high; equal ones by name
    notations: ClassVar[Mapping[str, Notation]]  # of the task's metrics by key, the primary one first
    folders: ClassVar[tuple[str, ...]] = ()  # what other programs call its folder of predictions
    corrupt: ClassVar[Callable[..., Map] | None] = None  # (label, rng, noise) -> label; None: no noise is defined

    @abstractmethod
    def read_label(self, stored: "Stored") -> Map:
        """The label that a file of a dataset holds. Shape [C, H, W].

        Raises:
            DamagedFileError: The file holds something else.
        """

    @abstractmethod
    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> Map:
        """What a file of any program predicts, as the metric takes it. Shape [C, H, W].

        Args:
            stored: The numbers of the file.
            size: Height and width of the image.

        Raises:
            DamagedFileError: The file holds something else.
        """

    def described(self, *, channels: int, first: int, depth_unit: float | None) -> Self:
        """The label as saved predictions need it; most need no description.

        Args:
            channels: Number of channels that the network predicts.
            first: Number of the first class in the label files of the dataset.
            depth_unit: Metres that a stored whole number 1 of depth stands for, if that is given.
        """
        return self

    @abstractmethod
    def natural(self, prediction: "Tensor") -> "Tensor":
        """What a network predicts [C, H, W], in natural units. Shape [H, W], or [C, H, W] of vectors."""

    @abstractmethod
    def draw(self, axes: "Axes", values: Map, names: Sequence[str] = (), key: bool = True) -> None:
        """Draws a label or a prediction, invalid pixels in grey.

        Args:
            axes: Where to.
            values: A label [C, H, W], or a prediction in natural units.
            names: Names of the classes, for maps of classes.
            key: Whether to add what explains the colours: a legend, a colour bar or a caption.
        """

    def notation(self, metric: str) -> Notation:
        """How a metric of the task is written; by its key where the task does not name it."""
        return self.notations.get(metric, plain_notation(metric))


def plain_notation(metric: str) -> Notation:
    """How a metric is written that nobody has named."""
    return Notation(metric.replace("_", " "), "", 4, higher_is_better=True)


def find(name: str) -> Label:
    """The label of this name, always the same object.

    Raises:
        ValueError: There is none.
    """
    if name not in LABELS:
        load_all()
    if name not in LABELS:
        raise ValueError(
            f"no label is named {name}, only {', '.join(sorted(LABELS))}: add mtl/tasks/{name}.py, or import the "
            "module that defines it before"
        )
    return made(LABELS[name])


def known() -> list[TaskLabel]:
    """The labels of all tasks in this package, and of those that were imported, in the order of figures."""
    load_all()
    tasks = [made(kind) for kind in LABELS.values() if issubclass(kind, TaskLabel)]
    return sorted(tasks, key=lambda task: (task.place, task.name))


@cache
def made(kind: type[Label]) -> Label:
    """The one label of its kind as it is without further description."""
    return kind()


@cache
def load_all() -> None:
    """Imports the files of all tasks."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"mtl.tasks.{module.name}")


def as_maps(values: Map) -> Map:
    """A label, or a prediction in natural units, with an axis of channels. Shape [C, H, W]."""
    return values[None] if values.ndim == 2 else np.asarray(values)
