"""What the config of a run folder may name. The folder is data: loading it must not run code that it chooses."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from torch import nn
from yaml import YAMLError

from mtl.backbones.base import Backbone
from mtl.build.config import as_dict, subset
from mtl.data.base import DenseDataset
from mtl.models.base import MultiTaskModel
from mtl.task import Coarse, Task
from mtl.tasks import Label

# Arguments that make an encoder read files or download: its initial weights, which the trained ones replace.
INITIAL = (
    *("pretrained", "checkpoint", "checkpoint_path"),
    *("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir"),
)
UNREADABLE = (OSError, YAMLError, OmegaConfBaseException, ValueError, TypeError, LookupError, RecursionError)


class Place(NamedTuple):
    """The classes that a part of the config may name.

    Args:
        kind: Their base classes.
        packages: Where they are defined.
    """

    kind: tuple[type, ...]
    packages: tuple[str, ...]


ENCODER = Place((Backbone,), ("mtl.backbones",))
HEAD = Place((nn.Module,), ("mtl.heads",))
NETWORK = Place((MultiTaskModel,), ("mtl.models",))
TASK = Place((Task, Label, Coarse), ("mtl.task", "mtl.tasks"))
TRANSFORM = Place((nn.Module,), ("mtl.data.transforms", "torchvision.transforms.v2"))
DATASET = Place((DenseDataset,), ("mtl.data",))


def read_config(path: Path, trust: str | Sequence[str] = ()) -> DictConfig:
    """The config of a run, after a check of every class from which its network is rebuilt.

    Nothing in it loads initial weights, and its tasks have no losses and metrics.

    Args:
        path: The config.yaml of the run.
        trust: Other packages whose classes it may name; in a string, with commas.

    Raises:
        ValueError: It is not the config of a run, or names something else.
    """
    try:
        content: dict[str, Any] = as_dict(
            OmegaConf.load(path), resolve=False
        )  # with a safe loader, and without resolving references
        if references := [key for key, value in leaves(content) if "${" in str(value)]:
            raise ValueError(f"{references[0]} is a reference, and the config of a run has only values")
        tasks, split = content["dataset"]["tasks"], content["dataset"]["val"]
        parts = {
            "backbone.encoder": (content["backbone"]["encoder"], ENCODER),
            "backbone.head": (content["backbone"]["head"], HEAD),
            "model.network": (content["model"]["network"], NETWORK),
            "dataset.val.transform": (split["transform"], TRANSFORM),
            "dataset.val": ({"_target_": split["_target_"]}, DATASET),
        }
        for name in subset(DictConfig(content)):
            tasks[name] |= {"loss": None, "metric": None}
            parts[f"dataset.tasks.{name}"] = (tasks[name], TASK)
            if coarse := content["model"].get("coarse", {}).get(name):
                coarse |= {"loss": None}
                parts[f"model.coarse.{name}"] = (coarse, TASK)
        forget_initial(content["backbone"]["encoder"])
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is damaged, or not the config of a run ({type(error).__name__}: {reason})") from error
    trusted = [package.strip() for package in (trust.split(",") if isinstance(trust, str) else trust) if package]
    for part, (node, place) in parts.items():
        for key, name in leaves(node, part):
            if key.endswith("._target_"):
                check(name, place, trusted, f"{path}: {key} names {name}")
    return DictConfig(content)


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in mappings and lists, with its dotted key; a `_target_` counts as a value in any case."""
    if not isinstance(node, dict | list) or key.endswith("._target_"):
        yield key, node
        return
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield from leaves(value, f"{key}.{name}" if key else str(name))


def check(name: Any, place: Place, trusted: Sequence[str], line: str) -> None:
    """Refuses a name unless it is that of a class of the place, or of any class of the trusted packages.

    The packages are compared before anything is imported, because importing a module runs it.

    Args:
        name: The dotted name.
        place: Which classes may be named here.
        trusted: Packages of which any class may be named.
        line: The start of the message.

    Raises:
        ValueError: It is something else.
    """
    own = inside(name, trusted)
    if not own and not inside(name, place.packages):
        package = str(name).partition(".")[0]
        hint = f"; if {package} is a package of your own, allow it with trust={package}" * (package != "mtl")
        raise ValueError(f"{line}, which is not of {' or '.join(place.packages)}{hint}")
    try:
        found = resolve_name(name)
    except Exception as error:  # of a module that is imported, too
        raise ValueError(f"{line}, and there is no such class ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(found, type):
        raise ValueError(f"{line}, which is not a class")
    if not inside(f"{found.__module__}.", trusted if own else place.packages):
        raise ValueError(f"{line}, which is a class of {found.__module__}")
    if not own and not issubclass(found, place.kind):
        raise ValueError(f"{line}, which is not a {' or '.join(kind.__name__ for kind in place.kind)}")


def inside(name: Any, packages: Sequence[str]) -> bool:
    """Whether a dotted name is inside one of the packages."""
    return isinstance(name, str) and name.startswith(tuple(f"{package}." for package in packages))


def forget_initial(node: Any) -> None:
    """Sets the arguments that load initial weights to null, in nested nodes as well."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key in INITIAL:
            node[key] = None
        elif isinstance(value, dict | list):
            forget_initial(value)
