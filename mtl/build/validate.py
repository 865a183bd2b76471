"""Checks the values of a config before anything is built."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import reduce
from typing import Any, cast, is_typeddict

from hydra.errors import InstantiationException
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

MISSING = "???"
WORD = re.compile(r"(\.*)([A-Za-z_][\w.\[\]]*)")  # that may be a reference: one dot is the mapping that has it
REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
Place = tuple[str | int, ...]  # of a value: names, and positions in lists
Error = tuple[Place, Any, str]  # the value, and what to use instead


def check_keys(cfg: DictConfig) -> None:
    """Rejects invalid values of the keys in `mtl.build.keys`, and other keys unless a node refers to them.

    Hydra refuses unknown keys on the command line, but not in files.

    Raises:
        ValueError: A value or a key is invalid; the message is one line that names the key to change.
    """
    from mtl.build.keys import Config  # noqa: PLC0415  imports torch; the command line starts without

    refuse(cfg, errors(Config, as_dict(cfg), ()))
    raw = as_dict(cfg, resolve=False)
    if strange := list(unknown(Config, raw)):
        every = dict(places(raw))
        used = {one for place, value in every.items() for one in references(place, value)}
        for place, siblings in strange:
            if not any(place[: len(one)] == one[: len(place)] for one in used):
                raise ValueError(f"unknown key {dotted(place)}: nothing reads it{meant(place, siblings, every)}")


def meant(place: Place, siblings: Iterable[str], every: Iterable[Place]) -> str:
    """A question that suggests a key for an unknown one: one that is similar, or has the name elsewhere.

    Args:
        place: The unknown key.
        siblings: Names of known keys in the same place.
        every: All keys of the config.
    """
    *group, name = place
    if place == ("experiment",):
        return "; the file of an experiment begins with the line # @package _global_"
    if question := closest(name, siblings):
        return question.replace("mean ", "".join(["mean ", *(f"{part}." for part in group)]))
    elsewhere = sorted((dotted(one) for one in every if one[-1] == name and one != place), key=len)
    return f"; did you mean {elsewhere[0]}?" if elsewhere else ""


def check_nodes(cfg: DictConfig) -> None:
    """Rejects arguments of nodes with a `_target_` that do not fit their annotation in the constructor.

    Raises:
        ValueError: As `check_keys`.
    """
    refuse(cfg, node_errors(as_dict(cfg), (), task_names(cfg)))


def task_names(cfg: DictConfig) -> set[str]:
    """Names of the dataset's tasks and of all others: a weighter's file has numbers for more tasks than one has."""
    from mtl.tasks import known  # noqa: PLC0415  as in `check_keys`

    return {*(select(cfg, "dataset.tasks") or ()), *(task.name for task in known())}


def refuse(cfg: DictConfig, found: Iterator[Error]) -> None:
    """Raises the first of the errors."""
    for place, value, wanted in found:
        key = origin(as_dict(cfg, resolve=False), place)
        raise ValueError(f"{dotted(key)}={shown(value)}: use {wanted}")


def errors(annotation: Any, value: Any, place: Place, by_task: Set[str] = frozenset()) -> Iterator[Error]:
    """What a type does not accept of a value: parts of it, then all of it.

    Args:
        annotation: The type.
        value: The value.
        place: Where the config has it.
        by_task: Tasks by which the value may map what is a list; empty if it must be the list.
    """
    from mtl.build import annotations  # noqa: PLC0415  takes a moment to import, which --help need not wait for

    if value == MISSING:  # Hydra names it if the run needs it
        return
    if not is_typeddict(annotation) and annotations.accepts(annotation, value):
        return
    if by_task and (wrong := set(value) - by_task):
        name = min(wrong)
        yield (*place, name), value[name], f"the name of a task: {', '.join(sorted(by_task))}{closest(name, by_task)}"
    elif is_typeddict(annotation) and isinstance(value, Mapping):
        known = annotations.annotations_of(annotation)
        for name, part in parts_of(value):
            yield from errors(known.get(name, Any), part, (*place, name))
    elif is_typeddict(annotation) or not annotations.accepts(annotation, list(value.values()) if by_task else value):
        nodes = isinstance(value, list) and any(isinstance(part, Mapping) for part in value)
        item = annotations.item_of(annotation, annotations.LISTS if by_task or nodes else annotations.MAPPINGS)
        if nodes or isinstance(value, Mapping):  # a list of numbers is given as a whole
            for name, part in parts_of(value):
                yield from errors(item, part, (*place, name))
        question = closest(value, annotations.choices(annotation)) if isinstance(value, str) else ""
        yield place, value, annotations.wanted(annotation, value) + question


def unknown(annotation: Any, node: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, list[str]]]:
    """Keys that neither a type nor the files of its group have, and the names that these have in the same place."""
    from mtl.build import annotations  # noqa: PLC0415  as in `errors`
    from mtl.build.keys import REFERRED  # noqa: PLC0415  as in `check_keys`

    known = {**annotations.annotations_of(annotation), **dict.fromkeys(REFERRED.get(dotted(place), ()))}
    for name, part in node.items():
        if name not in known:
            yield (*place, name), [*known]
        elif is_typeddict(known[name]) and isinstance(part, Mapping):
            yield from unknown(known[name], part, (*place, name))


def places(node: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """All values in a part of the config, each with its place; parts of a mapping or list come after it."""
    for name, value in parts_of(node):
        yield (*place, name), value
        yield from places(value, (*place, name))


def references(place: Place, value: Any) -> list[Place]:
    """What a value refers to, such as `${dataset.height}` or `${.height}`, the key next to it."""
    words = WORD.findall(value) if isinstance(value, str) and "${" in value else []
    return [(*(place[: -len(dots)] if dots else ()), *re.findall(r"\w+", path)) for dots, path in words]


def node_errors(node: Any, place: Place, tasks: Set[str]) -> Iterator[Error]:
    """Wrong arguments of the nodes with a `_target_` in a part of the config.

    Args:
        node: The part.
        place: Where the config has it.
        tasks: Names of all tasks.
    """
    from mtl.build.keys import arguments_of  # noqa: PLC0415  as above

    for name, value in parts_of(node):
        yield from node_errors(value, (*place, name), tasks)
    if isinstance(node, Mapping) and "_target_" in node:
        known = arguments_of(built := located(node["_target_"], place))
        for name, value in parts_of({name: value for name, value in node.items() if not name.startswith("_")}):
            by_task = tasks if place[0] == "weighter" and isinstance(value, Mapping) and value else frozenset()
            annotation = known.get(name, known.get("**"))
            if annotation is not None:
                yield from errors(annotation, value, (*place, name), by_task)
            else:
                takes = ", ".join(name for name in known if name != "*") or "it has none"
                yield (*place, name), value, f"an argument of {built.__name__}: {takes}{closest(name, known)}"


def located(name: Any, place: Place) -> Any:
    """The class or function with this name.

    Raises:
        InstantiationException: It does not exist or cannot be imported. Hydra would notice only when it builds it.
    """
    try:
        return get_object(name)
    except Exception as error:
        raise InstantiationException(f"Error locating target '{name}'\nfull_key: {dotted(place)}") from error


def as_dict(cfg: DictConfig | ListConfig, resolve: bool = True) -> dict[str, Any]:
    """The config in plain Python, by default with references resolved."""
    return cast("dict[str, Any]", OmegaConf.to_container(cfg, resolve=resolve))


def parts_of(value: Any) -> list[tuple[Any, Any]]:
    """The values of a mapping or list, each with its name or position."""
    return list(value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ())


def origin(raw: Any, place: Place) -> Place:
    """The key to change for a value: that of a reference, where the value is one.

    Args:
        raw: The config without references resolved.
        place: Where the resolved config has the value.
    """
    node: Any = raw
    for depth, name in enumerate(place):
        if not (isinstance(node, list) or (isinstance(node, Mapping) and name in node)):
            break
        node = cast("Any", node)[name]
        if isinstance(node, str) and (reference := REFERENCE.fullmatch(node)):
            return origin(raw, (*reference[1].split("."), *place[depth + 1 :]))
    return place


def dotted(place: Place) -> str:
    """The key of a place, such as `dataset.height`."""
    return ".".join(map(str, place))


def shown(value: Any) -> str:
    """The value as one writes it on the command line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {shown(part)}' for name, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def select(cfg: Any, key: str) -> Any:
    """The value at a dotted key; None if there is none."""
    return reduce(lambda node, name: node.get(name) if hasattr(node, "get") else None, key.split("."), cfg)


def closest(word: Any, choices: Iterable[str]) -> str:
    """A question that suggests the most similar choice; empty if none is similar."""
    found = difflib.get_close_matches(str(word), choices, n=1)
    return f"; did you mean {found[0]}?" if found else ""
