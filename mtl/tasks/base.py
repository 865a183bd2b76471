"""Base class of task labels, and the registry that finds a label by the name of its task."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from mtl.data.stored import Stored

IGNORE = 255  # invalid pixel of every class map
GREY = (0.5, 0.5, 0.5)  # colour of invalid pixels in images

Map = NDArray[Any]
AnyMap = TypeVar("AnyMap", NDArray[Any], "Tensor")


class Notation(NamedTuple):
    """How a metric is printed, and which direction is better.

    Args:
        name: Printed name.
        unit: Unit.
        digits: Number of decimals to print.
        higher_is_better: Whether higher values are better.
    """

    name: str
    unit: str
    digits: int
    higher_is_better: bool


@dataclass(frozen=True)
class Noise:
    """Settings of label noise.

    Args:
        mode: `pixel` or `category`, for class maps.
        num_classes: Number of classes of the dataset.
        categories: Number of classes of an image that are corrupted.
        rate: Probability of a wrong class.
        deviations: Standard deviation by task, in the unit of its label.
    """

    mode: str
    num_classes: int
    categories: int
    rate: float
    deviations: Mapping[str, float]


def valid(label: AnyMap, fill: float) -> AnyMap:
    """Mask of pixels with a channel that differs from the fill. Shapes [..., C, H, W] to [..., 1, H, W].

    This is the only rule of validity: losses, metrics, noise, padding and images all follow it.

    Args:
        label: NumPy array or tensor.
        fill: Value of all channels of an invalid pixel.

    Example:
        >>> valid(np.array([[[0.0, 2.5]]]), fill=0.0)  # depth in metres
        array([[[False,  True]]])
    """
    mask: Any = label != fill  # of an array or a tensor, which takes NumPy's names of arguments, too
    return mask.any(axis=-3, keepdims=True)


class Label:
    """A map that is transformed together with its image. A subclass that sets `name` is registered under it."""

    name: ClassVar[str]  # key in samples
    fill: ClassVar[float]  # value of an invalid pixel
    channels: ClassVar[int] = 1
    predicted: ClassVar[int | None] = None  # channels that a network must predict; None: the task says how many
    mirrored: ClassVar[tuple[int, ...]] = ()  # channels that change sign under a horizontal flip
    # (raw predictions, labels), [B, C, H, W] each -> part and whole of a share that training raises; None: not defined
    kpi: Callable[..., tuple["Tensor", "Tensor"]] | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" in cls.__dict__:
            LABELS[cls.name] = cls

    def valid(self, label: AnyMap) -> AnyMap:
        """Mask of the pixels with a label; see `valid`."""
        return valid(label, self.fill)

    def zoomed(self, label: "Tensor", factor: float) -> "Tensor":
        """The values after a zoom by `factor`, invalid pixels unchanged. Shapes [C, H, W]."""
        return label


LABELS: dict[str, type[Label]] = {}  # by name


class TaskLabel(Label, ABC):
    """The label of a task: what it means, and how it is read from files, predicted and drawn."""

    colour: ClassVar[str]  # of the task in figures
    place: ClassVar[int] = 100  # order of the task in figures, ascending; ties by name
    notations: ClassVar[Mapping[str, Notation]]  # of the task's metrics by key, the primary one first
    folders: ClassVar[tuple[str, ...]] = ()  # names that other programs give its folder of predictions
    corrupt: Callable[..., Map] | None = None  # (label, rng, noise) -> label; None: no noise is defined

    @abstractmethod
    def read_label(self, stored: "Stored") -> Map:
        """Convert a label file of a dataset. Shape [C, H, W].

        Raises:
            DamagedFileError: The file holds something else.
        """

    @abstractmethod
    def read_prediction(self, stored: "Stored", size: tuple[int, int]) -> Map:
        """Convert a prediction file of any program to the input of the metric. Shape [C, H, W].

        Args:
            stored: Contents of the file.
            size: Height and width of the image.

        Raises:
            DamagedFileError: The file holds something else.
        """

    def described(self, *, channels: int, first: int, depth_unit: float | None) -> Self:
        """The label with the settings needed to read saved predictions; most labels have none.

        Args:
            channels: Number of channels that the network predicts.
            first: Number of the first class in the label files of the dataset.
            depth_unit: Metres per unit of depth stored as integers, if given.
        """
        return self

    @abstractmethod
    def constant(self, labels: Iterable[Map], channels: int) -> Map:
        """What a network would predict for every pixel of every image if it saw none: a floor of the scores.

        Args:
            labels: Labels of training images, [C, H, W] each.
            channels: Number of channels that the network predicts.

        Returns:
            Raw prediction of a pixel. Shape [channels].
        """

    def untrained(self, grey: Map, rng: np.random.Generator) -> dict[str, Map]:
        """Predictions without learning, by name: floors of the scores. Most tasks have none but `constant`.

        Args:
            grey: Brightness of the image, 0 to 1. Shape [H, W].
            rng: Source of random numbers.

        Returns:
            Raw predictions, each of shape [channels, H, W].
        """
        return {}

    def nearly_true(self, truth: Map) -> dict[str, Map]:
        """Predictions made from the truth of the metric, by name: ceilings of the scores. Most tasks have none.

        Args:
            truth: What the metric compares with. Shape [C, H, W].

        Returns:
            Raw predictions, each of shape [channels, H, W].
        """
        return {}

    @abstractmethod
    def natural(self, prediction: "Tensor") -> "Tensor":
        """Convert a network's output [C, H, W] to natural units. Shape [H, W], or [C, H, W] for vectors."""

    @abstractmethod
    def draw(self, axes: "Axes", values: Map, names: Sequence[str] = (), key: bool = True) -> None:
        """Draw a label or a prediction, invalid pixels in grey.

        Args:
            axes: Where to draw.
            values: A label [C, H, W], or a prediction in natural units.
            names: Names of the classes, for class maps.
            key: Whether to add a legend, a colour bar or a caption that explains the colours.
        """

    def notation(self, metric: str) -> Notation:
        """How a metric of the task is printed; by its key if the task defines no notation."""
        return self.notations.get(metric, plain_notation(metric))


def plain_notation(metric: str) -> Notation:
    """Default notation of a metric."""
    return Notation(metric.replace("_", " "), "", 4, higher_is_better=True)


def find(name: str) -> Label:
    """The label of this name, always the same object.

    Raises:
        ValueError: No label has the name.
    """
    if name not in LABELS:
        load_all()
    if name not in LABELS:
        raise ValueError(
            f"no label is named {name}, only {', '.join(sorted(LABELS))}: add mtl/tasks/{name}.py, or import the "
            "module that defines it first"
        )
    return made(LABELS[name])


def find_task(name: str) -> TaskLabel:
    """The label of a task; see `find`."""
    return cast("TaskLabel", find(name))


def known() -> list[TaskLabel]:
    """The labels of all tasks of this package and of imported modules, in the order of figures."""
    load_all()
    tasks = [label for kind in LABELS.values() if isinstance(label := made(kind), TaskLabel)]
    return sorted(tasks, key=lambda task: (task.place, task.name))


@cache
def made(kind: type[Label]) -> Label:
    """The single instance of a label class, with default settings."""
    return kind()


@cache
def load_all() -> None:
    """Import the files of all tasks."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"mtl.tasks.{module.name}")


def as_maps(values: Map) -> Map:
    """A label, or a prediction in natural units, with a channel axis. Shape [C, H, W]."""
    return values[None] if values.ndim == 2 else np.asarray(values)
