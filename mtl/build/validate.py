"""Checks the values of a config before anything is built."""

import difflib
from collections.abc import Iterable
from functools import reduce
from typing import Any

FLAGS = ("recipe.compile",)
LEAST = {  # smallest value of integers
    "seed": 0,
    "workers": 0,
    "processes": 1,
    "threads": 1,
    "dataset.epochs": 1,
    "dataset.render_workers": 0,
    "recipe.batch_size": 1,
    "recipe.micro_batches": 1,
    "recipe.steps": 1,
    "recipe.val_images": 1,
    "logging.gradient_statistics.every": 0,
}
REAL = {
    "recipe.optimizer.lr": ("above 0", lambda value: value > 0),
    "recipe.optimizer.weight_decay": ("0 or above", lambda value: value >= 0),
    "recipe.power": ("0 or above", lambda value: value >= 0),
    "recipe.clip": ("above 0", lambda value: value > 0),
    "backbone.encoder.drop_path": ("from 0 to below 1", lambda value: 0 <= value < 1),
    "backbone.head.dropout": ("from 0 to below 1", lambda value: 0 <= value < 1),
    "logging.checkpoint_minutes": ("above 0", lambda value: value > 0),
}
ALSO = {  # allowed besides numbers
    **dict.fromkeys(("threads", "recipe.steps", "recipe.val_images", "recipe.clip")),
    "workers": "auto",
}


def validate(cfg: Any) -> None:
    """Rejects invalid values; unknown keys are left to Hydra.

    Raises:
        ValueError: A value is invalid.
    """
    for key, choices in words().items():
        value = select(cfg, key)
        if value not in choices and not (value is None and "." in key):  # some groups have no such key
            raise ValueError(f"{key}={value}: use {' or '.join(choices)}{closest(value, choices)}")
    for key in FLAGS:
        if type(value := select(cfg, key)) not in (bool, type(None)):
            raise ValueError(f"{key}={value}: use true or false")
    for key, least in LEAST.items():
        value = select(cfg, key)
        if (value is None and "." in key) or (key in ALSO and value == ALSO[key]):
            continue
        if type(value) is not int or value < least:
            raise ValueError(f"{key}={value}: use a whole number, {least} or above{or_also(key)}")
    for key, (wanted, fits) in REAL.items():
        value = select(cfg, key)
        if value is not None and (type(value) not in (int, float) or not fits(value)):
            raise ValueError(f"{key}={value}: use a number {wanted}{or_also(key)}")


def words() -> dict[str, tuple[str, ...]]:
    """Choices of the keys that take one of a few words."""
    from mtl.data.corruption import noise, sampling  # noqa: PLC0415  imports torch; the command line starts without
    from mtl.weighters.base import Scope  # noqa: PLC0415  likewise

    scopes = tuple(scope.value for scope in Scope)
    return {
        "keep": ("best", "last", "both", "none"),
        "dataset.sampling": sampling.WORDS,
        "dataset.noise": noise.MODES,
        "weighter.scope": scopes,
        "weighter.scale": ("sum", "native"),
        "weighter.heads": ("weighted", "raw"),
        "logging.gradient_statistics.scope": scopes,
        "recipe.schedule": ("step", "epoch"),
        "recipe.on_nonfinite": ("skip", "raise"),
        "recipe.precision": ("float32", "tf32", "bfloat16", "float16"),
        "recipe.accumulation": ("exact", "first"),
    }


def select(cfg: Any, key: str) -> Any:
    """The value at a dotted key; None if there is none."""
    return reduce(lambda node, name: node.get(name) if hasattr(node, "get") else None, key.split("."), cfg)


def or_also(key: str) -> str:
    """The part of a message about keys that may be null or auto."""
    return f", or {ALSO[key] or 'null'}" if key in ALSO else ""


def closest(word: Any, choices: Iterable[str]) -> str:
    """A question that suggests the most similar choice; empty if none is similar."""
    found = difflib.get_close_matches(str(word), choices, n=1)
    return f"; did you mean {found[0]}?" if found else ""
