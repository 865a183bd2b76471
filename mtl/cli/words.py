"""The words of a script: key=value in any order, together with those of train.py where it takes them."""

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from mtl.build.validate import closest
from mtl.places import as_called

# Word: its default (None: it must be given; a whole number: so must be what replaces it) and what it means.
Own = Mapping[str, tuple[str | int | None, str]]
HELP = ("-h", "--help")
PATHS = ("data", "results", "backbone.checkpoint", "protocol.image_list")  # words of train.py that are one path
PLAIN = re.compile(r"[\w/.:,+-]*", re.ASCII)  # what Hydra reads as it is


def read_words(arguments: Sequence[str], own: Own, others: bool) -> tuple[dict[str, Any], list[str]]:
    """The value of every word of the script, and the words that are left for train.py.

    Args:
        arguments: The command line.
        own: The words of the script.
        others: Whether words of train.py are allowed.

    Raises:
        ValueError: A word is unknown, has no value or the wrong kind of value, or is missing.
    """
    values, rest = {word: default for word, (default, _) in own.items()}, []
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in own:
            values[key] = checked(argument, value, own[key][0])
        elif others:
            rest.append(argument)
        else:
            raise ValueError(f"{argument}: no such word, only {listed(own)}{closest(key, own)}")
    if missing := [f"{word}=..." for word, value in values.items() if value is None]:
        raise ValueError(f"{' and '.join(missing)} missing: --help explains the words")
    return values, rest


def with_home(word: str) -> str:
    """The word with the home folder in place of each ~ that starts a path."""
    return re.sub(r"(?<=[=,\[])~(?=[/,\]]|$)", lambda _: str(Path.home()), word)


def as_path(word: str) -> str:
    """Turns `results=/my a&b` into `results='/my a&b'`, which Hydra can read; leaves other words as they are."""
    key, _, path = word.partition("=")
    if key.lstrip("+") not in PATHS or PLAIN.fullmatch(path) or path[0] in "'\"" or "${" in path:
        return word
    return f"{key}={QuotedString(path, Quote.single).with_quotes()}"


def checked(argument: str, value: str, default: str | int | None) -> str | int:
    """The value, as a number where the default is one."""
    if not value:
        raise ValueError(f"{argument}: write {argument.rstrip('=')}=VALUE")
    if not isinstance(default, int):
        return value
    least = min(default, 1)
    if not value.isdecimal() or int(value) < least:
        raise ValueError(f"{argument}: use a whole number, {least} or above")
    return int(value)


def listed(own: Own) -> str:
    """The words, as they are written."""
    return ", ".join(f"{word}=..." for word in own)


def first_paragraph(doc: str | None) -> str:
    """What a docstring says before its first blank line."""
    return as_called(inspect.cleandoc(doc or "").partition("\n\n")[0])


def help_text(doc: str | None, own: Own, others: bool) -> str:
    """What --help prints: the first paragraph of the docstring, then every word with its default and its meaning."""
    shown = {f"{word}={'...' if default is None else default}": text for word, (default, text) in own.items()}
    width = max(map(len, shown), default=0)
    lines = [f"  {word:{width}}  {text}" for word, text in shown.items()]
    if others:
        lines.append(f"{'Other words' if own else 'Words'} are those of training:")
        lines[-1] += f" {as_called('python train.py')} --help lists them."
    return "\n".join([first_paragraph(doc), "", *lines])
