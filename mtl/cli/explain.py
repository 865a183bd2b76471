"""Turns an exception into one line: what is wrong with the input, and how to fix it."""

import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import hydra
import omegaconf
from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from mtl.cli.limits import refused_by_system
from mtl.cli.settings import files_of, group_without_file, unknown_choice, unknown_key
from mtl.places import PACKAGE, ROOT

OURS = tuple(map(str, (PACKAGE, ROOT / "scripts", ROOT / "train.py")))
LIBRARIES = tuple(str(Path(library.__file__ or "").parent) for library in (hydra, omegaconf))
CALLERS = (str(PACKAGE / "build"), *LIBRARIES)  # whose arguments come straight from the config


def explain(error: BaseException, words: Sequence[str]) -> str | None:
    """The line, or None if the error is a bug and not bad input.

    Bad input is what Hydra rejects, what the operating system rejects, and what our own code rejects by raising a
    ValueError. A ValueError from torch or numpy, or from Python itself in our code, is a bug.

    Args:
        error: What was raised.
        words: The words of the command line, without options such as -m.
    """
    error, place = unwrapped(error)
    line = refused_word(error, words) or refused_by_system(error) or refused_by_code(error)
    if line is None and place and isinstance(error, OSError):  # weights to download, and no network
        line = str(error)
    return line and f"{place}{' '.join(line.split())}"


def unwrapped(error: BaseException) -> tuple[BaseException, str]:
    """The error that a class raised while Hydra instantiated it, and the config key of the class."""
    if not (isinstance(error, InstantiationException) and str(error).startswith("Error in ")):
        return error, ""
    key = re.search(r"full_key: (\S+)", str(error))
    return error.__cause__ or error, f"{key[1]}: " if key else ""


def refused_word(error: BaseException, words: Sequence[str]) -> str | None:
    """A line for errors of Hydra and OmegaConf about config files and command-line words."""
    text = str(error)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        path, ours = error.missing_cfg_file, not error.missing_cfg_file.startswith("hydra/")
        group, _, name = path.partition("/") if ours else path.rpartition("/")
        if ours or error.options:  # Hydra gives no options for a name in a list
            return unknown_choice(group, name, files_of(group, words) if ours else error.options or ())
    if isinstance(error, OverrideParseException):
        reason = text.removeprefix(f"Error parsing override '{error.override}'").split("\nSee ")[0]
        return f"cannot read {error.override} ({reason.strip()}): write key=value, and quote special characters"
    if isinstance(error, ConfigAttributeError | ConfigKeyError):
        return f"the config has no {error.full_key}, and the run needs it"
    if isinstance(error, OmegaConfBaseException):
        place = next((word for word in words if "${" in word), error.full_key or "config")
        return f"{place}: {text.splitlines()[0]}"
    if text.startswith(("Error locating target", "Error loading")):
        return missing_class(error)
    line = (group_without_file(words) or text) if text.startswith("Config group override must be") else None
    return line or (refused_override(text, words) if isinstance(error, HydraException) else None)


def refused_override(text: str, words: Sequence[str]) -> str:
    """A line for a message of Hydra about one command-line word; other messages are kept."""
    quoted = match[1] if (match := re.search("'(.*)'", text)) else ""
    if text.startswith(("Could not override", "Could not delete")):
        return unknown_key(quoted, words)
    key, _, value = quoted.partition("=")
    group = text.removeprefix("Multiple values for ").partition(".")[0]
    twice = text.removesuffix(" appears more than once in the final defaults list")
    lines = {
        "Ambiguous value": f"{quoted}: one run takes one value; for a run of each add -m, for a list {key}=[{value}]",
        "Sweep parameters": f"{quoted}: one run takes one value; for a run of each add -m",
        "Multiple values for": f"{group} is chosen already: write {group}=... without a +",
        f"{twice} appears": f"{twice} is chosen twice: name all in one list, {twice}=[A,B]",
    }
    return next((line for start, line in lines.items() if text.startswith(start)), text)


def missing_class(error: BaseException) -> str:
    """A line for a class of the config that does not exist, or whose module cannot be imported."""
    text = str(error)
    target, key = text.partition("'")[2].partition("'")[0], text.partition("full_key: ")[2]
    reason = getattr(error if isinstance(error, ImportError) else error.__cause__, "__cause__", None)
    if not target:
        return text
    exists = isinstance(reason, Exception) and not isinstance(reason, AttributeError)
    if exists and getattr(reason, "name", None) != target:  # its module, or one that this imports, cannot be imported
        return f"{f'{key}: ' if key else ''}cannot import {target}: {type(reason).__name__}: {reason}"
    return f"{f'{key}: ' if key else ''}there is no {target}"


def refused_by_code(error: BaseException) -> str | None:
    """A line for input that our code rejects, and for arguments that a class of the config does not accept."""
    file, source, message = origin(error)
    kernel, missing, _ = message.partition(" does not have a deterministic implementation")
    if missing:
        return f"deterministic=true: {kernel} has no deterministic kernel on this device; use deterministic=false"
    raised = source.startswith("raise ") and file.startswith(OURS + LIBRARIES)
    called = isinstance(error, TypeError) and " argument" in message and file.startswith(CALLERS)
    return message if called or (raised and isinstance(error, ValueError | OSError)) else None


def origin(error: BaseException) -> tuple[str, str, str]:
    """The file and source line that raised the error, and its message.

    From a data loading process, torch passes on only the text of the traceback.
    """
    text = str(error)
    if text.startswith("Caught ") and "\nOriginal Traceback" in text:
        file, source = re.findall(r'^  File "(.+)", line .*\n *(.*)$', text, re.MULTILINE)[-1]
        return file, source, re.split(rf"\n[\w.]*{type(error).__name__}: ", text)[-1]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return str(Path(frame.filename).absolute()), frame.line or "", text
