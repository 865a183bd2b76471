"""What an annotation accepts of the values that a config can hold, and how a message says so."""

import collections.abc
import inspect
import json
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from annotated_types import GroupedMetadata, Interval
from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter

LARGEST = 2**32 - 1  # of whole numbers without a limit of their own: NumPy's seeds and counters of 32 bits end here
STRICT = ConfigDict(strict=True, allow_inf_nan=False)
UNIONS = (Union, types.UnionType)
LISTS = (list, tuple, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
MAPPINGS = (dict, collections.abc.Mapping)
PLAIN = (bool, str, Path, type(None), None, Any, *LISTS, *MAPPINGS)


def too_long(value: Any) -> bool:
    """Whether a whole number does not fit in 64 bits, which torch needs even where it makes a float of it."""
    return type(value) is int and abs(value) >= 2**63


def has_target(value: dict[str, Any]) -> dict[str, Any]:
    """The value, if it names a class."""
    if "_target_" not in value:
        raise ValueError
    return value


NARROWER = {
    int: Annotated[int, Interval(ge=-LARGEST, le=LARGEST)],
    float: Annotated[float, BeforeValidator(lambda value: object() if too_long(value) else value)],
    Path: Annotated[Path, BeforeValidator(lambda value: value or object())],  # empty: it would be the current folder
}
Node = Annotated[dict[str, Any], AfterValidator(has_target)]  # from which Hydra builds an object


@cache
def annotations_of(target: Callable[..., Any]) -> Mapping[str, Any]:
    """Annotations of the arguments of a class or function, and of the keys of a TypedDict.

    The values of `**options` are under `**`. Arguments without an annotation, or with one that cannot be evaluated
    outside type checkers, accept anything.
    """
    if typing.is_typeddict(target):
        return typing.get_type_hints(target, include_extras=True)
    known = {}
    for name, parameter in inspect.signature(target).parameters.items():
        annotation = parameter.annotation
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, vars(sys.modules[target.__module__]))
            except Exception:
                annotation = Any
        annotation = Any if annotation is parameter.empty else annotation
        if get_origin(annotation) is typing.Unpack:
            known |= annotations_of(get_args(annotation)[0])
        else:
            known["**" if parameter.kind is parameter.VAR_KEYWORD else name] = annotation
    return known


def accepts(annotation: Any, value: Any) -> bool:
    """Whether a value of a config fits: 1 is a float, but 1.0 and true are no int; a list is a tuple, text a path."""
    try:
        adapter(annotation).validate_json(json.dumps(value, default=str, allow_nan=False))
    except ValueError:  # also of pydantic, and of an infinite number
        return False
    return True


@cache
def adapter(annotation: Any) -> TypeAdapter:
    """The check of an annotation."""
    return TypeAdapter(plain(annotation), config=STRICT)


def plain(annotation: Any) -> Any:
    """The annotation in terms of what a config can hold: a node in place of an object, and no exotic types."""
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is Annotated:
        return Annotated[plain(arguments[0]), *map(known, annotation.__metadata__)]
    if origin in UNIONS:
        kinds = [kind for kind in arguments if kind is not str or Path not in arguments]
        return Union[tuple(map(plain, kinds))]  # noqa: UP007  computed
    if origin in LISTS or origin in MAPPINGS:
        return cast("Any", origin)[tuple(argument if argument is ... else plain(argument) for argument in arguments)]
    if origin is Literal:  # pydantic takes true and 1.0 for 1
        kinds = {type(choice) for choice in arguments}
        return Annotated[annotation, BeforeValidator(lambda value: value if type(value) in kinds else object())]
    if annotation in (int, float, Path):
        return NARROWER[annotation]
    built = origin is collections.abc.Callable or annotation is typing.Callable or isinstance(annotation, type)
    return annotation if annotation in PLAIN else Node if built else Any


def known(item: Any) -> Any:
    """A limit of `mtl.weighters.limits` in the class of annotated_types that pydantic knows; other items unchanged."""
    ours = type(item).__module__ == "mtl.weighters.limits"
    return Interval(**vars_of(item)) if ours else item


def parts(annotation: Any) -> tuple[Any, dict[str, Any]]:
    """The type in an annotation, and its limits by name: gt, ge, lt, le, min_length, max_length."""
    limits: dict[str, Any] = {}
    while get_origin(annotation) is Annotated:
        for item in spread(annotation.__metadata__):
            limits |= {name: value for name, value in vars_of(item).items() if value is not None}
        annotation = get_args(annotation)[0]
    return annotation, limits


def spread(metadata: Any) -> Iterator[Any]:
    """The single limits of an annotation, those of an Interval or a Len one by one."""
    for item in metadata:
        yield from item if isinstance(item, GroupedMetadata) else [item]


def vars_of(item: Any) -> dict[str, Any]:
    """The names and values of one limit."""
    names = ("gt", "ge", "lt", "le", "min_length", "max_length")
    return {name: getattr(item, name) for name in names if hasattr(item, name)}


def item_of(annotation: Any, containers: tuple[Any, ...]) -> Any:
    """What a list or a mapping contains, `Any` if the annotation does not say so.

    Args:
        annotation: The annotation, which may be a union.
        containers: `LISTS` or `MAPPINGS`.
    """
    kind, _ = parts(annotation)
    arguments = get_args(kind)
    if get_origin(kind) in containers:
        return arguments[-1] if containers is MAPPINGS else arguments[0]
    found = [item_of(argument, containers) for argument in arguments if get_origin(kind) in UNIONS]
    return next((item for item in found if item is not Any), Any)


def choices(annotation: Any) -> list[str]:
    """The words among which an annotation chooses."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return [word for word in arguments if isinstance(word, str)]
    return [word for argument in arguments for word in choices(argument)]


def wanted(annotation: Any, value: Any = None) -> str:
    """What to use instead of a value that the annotation does not accept."""
    kind, limits = parts(annotation)
    origin = get_origin(kind)
    if kind in (int, float):
        return number(kind, limits, value)
    if origin in UNIONS:
        return either(get_args(kind), value)
    if origin in LISTS or kind in LISTS:
        return a_list(kind, limits)
    if origin is Literal:
        return " or ".join(str(word).lower() if isinstance(word, bool) else str(word) for word in get_args(kind))
    if typing.is_typeddict(kind) or (annotation is not Node and (origin in MAPPINGS or kind in MAPPINGS)):
        return "a group of settings"
    texts = {bool: "true or false", str: "text", Path: "a path", type(None): "null"}
    return texts.get(kind, "a group of settings with a _target_")


def either(arguments: tuple[Any, ...], value: Any) -> str:
    """What to use for a union; a path may be text, and what only objects can be is not mentioned next to values."""
    kinds = [parts(argument)[0] for argument in arguments]
    values = [
        argument
        for argument, kind in zip(arguments, kinds, strict=True)
        if (kind is not str or Path not in kinds) and (kind is type(None) or plain(argument) is not Node)
    ]
    texts = [wanted(argument, value) for argument in (arguments if values == [type(None)] else values)]
    words = all(kind is bool or get_origin(kind) is Literal for kind in kinds)
    return (" or " if words else ", or ").join(texts)


def number(kind: type, limits: Mapping[str, Any], value: Any) -> str:
    """What to use for a number within limits."""
    given = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:  # whose upper limit matters only to those who exceed it
        most = limits.get("le", LARGEST)
        limits = {**limits, "le": most if given and value > most else None}
    if kind is float and too_long(value):
        return "a number with a point or an exponent, such as 1e20"
    finite = "finite " if given and not abs(value) <= sys.float_info.max else ""
    name = f"a {finite}number" if kind is float else "a whole number"
    low, above = limits.get("gt", limits.get("ge")), "gt" in limits
    high, below = limits.get("lt", limits.get("le")), "lt" in limits
    if low is None and high is None:
        return name
    if high is None:
        return f"{name} above {low}" if above else f"{name}, {low} or above"
    top = f"below {high}" if below else f"{high}"
    if low is None:
        return f"{name} {'' if below else 'up to '}{top}"
    return f"{name} above {low} and {'' if below else 'up to '}{top}" if above else f"{name} from {low} to {top}"


def a_list(annotation: Any, limits: Mapping[str, Any]) -> str:
    """What to use for a list."""
    items = get_args(annotation)
    fixed = len(items) if get_origin(annotation) is tuple and ... not in items else None
    least, most = limits.get("min_length", fixed), limits.get("max_length", fixed)
    size = "" if not least else f" of {least}" if least == most else f" of {least} or more"
    inner = items and plain(items[0]) not in (Any, Node) and wanted(items[0])
    return f"a list{size}{f', each {inner}' if inner else ''}"
