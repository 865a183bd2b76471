"""Queries about the config files: the choices of a group, and the keys."""

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from mtl import build
from mtl.build.validate import closest, origin, select
from mtl.places import as_called

FEW = 40  # names that a message lists
SEARCH = "hydra.searchpath="  # the word for config folders in addition to ours; --config-dir becomes it
ALIKE = 0.6  # minimum similarity for a suggestion


def compose(words: Sequence[str]) -> DictConfig:
    """The config of these words, inside or outside a Hydra run, with values that have not been checked."""
    inside = GlobalHydra.instance().is_initialized()
    return hydra.compose("config", list(words)) if inside else build.composed(words)


def folders(words: Sequence[str]) -> list[Path]:
    """The folders with config files: ours, and those that the words add."""
    added = [word.removeprefix(SEARCH).strip("[]").split(",") for word in words if word.startswith(SEARCH)]
    return [build.CONFIGS, *(Path(name.strip(" '\"").removeprefix("file://")) for names in added for name in names)]


def files_of(group: str, words: Sequence[str]) -> dict[str, Path]:
    """What can be chosen of a config group, and the file of each choice; of two with one name the first counts."""
    places = [folder / group for folder in reversed(folders(words))]
    found = {
        path.relative_to(place).with_suffix("").as_posix(): path for place in places for path in place.rglob("*.yaml")
    }
    return dict(sorted(found.items()))


def group_choices(words: Sequence[str]) -> list[str]:
    """Those of the words that choose a file of a config group, or a list of files, or add a folder of them."""
    places = folders(words)
    return [
        word
        for word in words
        if word.startswith(SEARCH)
        or all(any((place / f"{path}.yaml").is_file() for place in places) for path in chosen(word))
    ]


def chosen(word: str) -> list[str]:
    """Files that a word names if its key is a config group: `logger=[csv,wandb]` names logger/csv and logger/wandb."""
    group, _, value = word.lstrip("+").partition("=")
    names = value[1:-1].split(",") if value.startswith("[") else [value]
    return [f"{group}/{name.strip()}" for name in names]


def listed(names: Iterable[str]) -> str:
    """The names, or the first few of many."""
    names = list(names)
    return ", ".join([*names[:FEW], f"and {len(names) - FEW} more"] if len(names) > FEW else names)


def unknown_choice(group: str, name: str, choices: Iterable[str]) -> str:
    """A line for a file that a config group does not have.

    Args:
        group: The group.
        name: What was asked for.
        choices: What there is.
    """
    return f"{group}={name}: there is no such {group}, only {listed(choices)}{closest(name, choices)}"


def group_without_file(words: Sequence[str]) -> str | None:
    """A line for the first word that gives a config group a value that is not the name of a file."""
    for word in words:
        group = word.lstrip("+").partition("=")[0]
        if not group:
            return f"cannot read {word}: write key=value"
        for name in (path.removeprefix(f"{group}/") for path in chosen(word)):
            if (choices := files_of(group, words)) and name not in choices:
                return unknown_choice(group, name, choices)
    return None


def unknown_key(key: str, words: Sequence[str]) -> str:
    """A line for a key that the config does not have.

    Args:
        key: The key.
        words: The command line, whose choices of files decide which keys there are.
    """
    cfg = compose(group_choices(words))
    if inner := next((part for part in keys_within(key, words) if OmegaConf.select(cfg, part) is None), None):
        return unknown_key(inner, words)
    parent, _, name = key.rpartition(".")
    target = OmegaConf.select(cfg, f"{parent}._target_")
    if target and name in inspect.signature(get_object(target)).parameters:
        return f"unknown key {key}: {target.rpartition('.')[2]} takes it, but no config states it; write +{key}=..."
    place = origin(build.as_dict(cfg, resolve=False), tuple(key.split(".")))
    if (meant := ".".join(map(str, place))) != key:
        return f"unknown key {key}; the config refers to {meant} for it"
    group, _, rest = key.partition(".")
    files = {other: OmegaConf.load(path) for other, path in files_of(group, words).items()}
    others = [other for other, file in files.items() if select(build.as_dict(file, resolve=False), rest) is not None]
    if others and group in cfg:
        current = cfg[group].get("name") or ",".join(cfg[group])
        return f"unknown key {key} of {group}={current}; it belongs to {listed(others)}"
    groups = [path.name for folder in folders(words) for path in folder.glob("*") if path.is_dir()]
    best = max([*keys_of(build.as_dict(cfg, resolve=False)), *groups], key=lambda other: likeness(key, other))
    if likeness(key, best) > ALIKE:
        return f"unknown key {key}; did you mean {best}?"
    return f"unknown key {key}; {as_called('python train.py')} --cfg job shows all keys"


def keys_within(key: str, words: Sequence[str]) -> list[str]:
    """Dotted keys inside the mapping that a word gives for the key; none if it gives no mapping."""
    given = [word for word in words if word.lstrip("+").startswith(f"{key}=")]
    values = [override.value() for override in OverridesParser.create().parse_overrides(given)]
    return [inner for value in values if isinstance(value, Mapping) for inner in keys_of(value, f"{key}.")]


def keys_of(node: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Dotted keys of all settings."""
    for name, value in node.items():
        if name != "_target_":
            yield f"{path}{name}"
        if isinstance(value, Mapping):
            yield from keys_of(value, f"{path}{name}.")


def likeness(key: str, other: str) -> float:
    """Similarity of two dotted keys, from 0 to 1: of the whole keys, of their last names, or as an abbreviation.

    This way `recipe.learning_rate` matches `recipe.optimizer.lr`, which comparing letters would not find.
    """
    last, other_last = key.rpartition(".")[2], other.rpartition(".")[2]
    near = key.partition(".")[0] in (other.partition(".")[0], last)  # of the same group, or of none
    short = near and (abbreviates(last, other_last) or abbreviates(other_last, last))
    return max(
        SequenceMatcher(None, key, other).ratio(),
        0.9 * SequenceMatcher(None, last, other_last).ratio(),
        0.8 if short else 0.0,
    )


def abbreviates(short: str, word: str) -> bool:
    """Whether the letters of the short word are in the long one, in order, from the first letter on."""
    rest = iter(word)
    return short[:1] == word[:1] and all(letter in rest for letter in short)
