"""The keys of a config that no constructor takes, and limits of constructors that are not ours.

A key that is passed to a constructor is checked against the annotation there, so it is not repeated here. A key may be
missing, but not null unless its type says so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from annotated_types import Ge, Gt, Interval, MinLen
from torch import nn

from mtl.build.annotations import Node, annotations_of
from mtl.engine.progress import Accumulation, OnNonfinite, Precision
from mtl.weighters.base import ScopeWord

Count = Annotated[int, Ge(1)]
Parallel = Annotated[int, Interval(ge=1, le=1024)]
Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Interval(ge=0, lt=1)]
Name = Annotated[str, MinLen(1)]
Gradient = Literal["gradient/norm", "gradient/weighted_norm", "gradient/alignment", "gradient/cosine", "gradient/dot"]
Curve = Gradient | Literal["feature/distance", "weight", "train/loss"]


class Statistics(TypedDict, total=False):
    """Statistics of the task gradients."""

    scope: ScopeWord
    every: Annotated[int, Ge(0)]


class Logging(TypedDict, total=False):
    """What a run records, and when."""

    checkpoint_minutes: Positive
    gradient_statistics: Statistics
    feature_distance: bool


class Dataset(TypedDict, total=False):
    """Keys of all datasets."""

    name: Name
    pretrained: bool
    epochs: Count
    default_tasks: Sequence[str]
    tasks: Mapping[str, Node]
    train: Node
    val: Node
    test: Node
    operations: Mapping[str, Node]
    cache: bool | Literal["auto"]
    grid_weights: Mapping[str, NotNegative]


class Backbone(TypedDict, total=False):
    """An encoder and its head."""

    name: Name
    pretrained: bool
    encoder: Node
    head: Node


class Model(TypedDict, total=False):
    """A network."""

    name: Name
    network: Node
    coarse: Mapping[str, Node]
    init: Literal["single_task", "pretrained"]


class SharpnessKeys(TypedDict, total=False):
    """Settings of flat minima."""

    rho: Positive
    adaptive: bool
    mode: Literal["per_task", "shared"]


class LookaheadKeys(TypedDict, total=False):
    """Settings of a look ahead at held-out images."""

    held_out: Share
    primary: NotNegative | Mapping[str, NotNegative]


class Distil(TypedDict, total=False):
    """Foundation models that the encoder learns from."""

    teachers: Annotated[Sequence[Name], MinLen(1)]
    checkpoints: Mapping[str, Name]
    final_norm: bool
    loss: Node


class Weighter(TypedDict, total=False):
    """A weighter, and how the engine applies it."""

    name: Name
    method: Node
    alignment: Node
    sharpness: SharpnessKeys
    lookahead: LookaheadKeys
    distil: Distil
    rotation: Node
    rotation_lr: Positive
    scope: ScopeWord
    scale: Literal["sum", "native"]
    heads: Literal["weighted", "raw"]


class Recipe(TypedDict, total=False):
    """How a network is trained."""

    name: Name
    optimizer: Node
    power: NotNegative
    schedule: Literal["step", "epoch"]
    batch_size: Count
    precision: Precision
    compile: bool
    micro_batches: Count
    accumulation: Accumulation
    clip: Positive | None
    on_nonfinite: OnNonfinite
    steps: Count | None
    evaluate: Count | Literal["epoch", "end"]
    val_images: Count | None


class Plan(TypedDict, total=False):
    """The runs of an experiment, and what its tables and figures have."""

    runs: Annotated[Sequence[Name], MinLen(1)]
    datasets: Annotated[Sequence[Name], MinLen(1)]
    words: Mapping[str, str | Mapping[str, str]]
    paper: Literal["II", "III", "IV", "V", "VI", "VII"]
    best_of: Mapping[str, Name]
    search: Name
    weights_from: Name
    notes: Sequence[Name]
    records: bool
    statistics: bool
    learning: bool
    complete: bool
    figure: Sequence[Name] | Literal[False] | None
    curves: Sequence[Curve]
    window: Mapping[str, Count]


class Config(TypedDict, total=False):
    """The whole config."""

    seed: Annotated[int, Interval(ge=0, le=2**32 - 1)]  # as NumPy
    subset: str | Sequence[str]
    device: str
    deterministic: bool
    processes: Parallel
    threads: Parallel | None
    workers: Annotated[int, Interval(ge=0, le=1024)] | Literal["auto"]
    data: Name
    results: Name
    keep: Literal["best", "last", "both", "none"]
    force: bool
    debug: bool
    logging: Logging
    logger: Mapping[str, Node | None]
    dataset: Dataset
    backbone: Backbone
    model: Model
    weighter: Weighter
    recipe: Recipe
    protocol: Node
    plan: Plan


# Keys of a group's files that nodes refer to. A config in which none does any more may still have them.
REFERRED: Mapping[str, Sequence[str]] = {
    "backbone": ("checkpoint",),
    "dataset": (
        *("clutter", "fov", "height", "mask_dilate", "noise", "normalize", "num_classes", "on_error", "pad"),
        *("png_normals", "render_workers", "sampling", "seed", "shrink", "width"),
    ),
}

# Limits by argument, for classes of a module.
FOREIGN: Mapping[str, Mapping[str, Any]] = {
    "torch.optim": {
        "lr": Positive,
        "betas": tuple[Share, Share],
        "eps": NotNegative,
        "weight_decay": NotNegative,
        "momentum": NotNegative,
    },
    "torchvision.transforms": {"p": Annotated[float, Interval(ge=0, le=1)]},
}


def arguments_of(target: Callable[..., Any]) -> Mapping[str, Any]:
    """Annotations of the arguments of a class or function, with the limits that `FOREIGN` adds."""
    modules = [kind.__module__ for kind in getattr(target, "__mro__", [target])]
    added = [limits for place, limits in FOREIGN.items() if any(module.startswith(place) for module in modules)]
    known = {} if getattr(target, "__init__", None) is nn.Module.__init__ else annotations_of(target)
    return {**known, **{name: limit for limits in added for name, limit in limits.items() if name in known}}
