"""Atomic file writes, JSON that every parser accepts, and what to say about files that cannot be used."""

import functools
import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import filelock

log = logging.getLogger(__name__)

NAN = "NaN: there was nothing to compute it from, or an input was NaN"
INFINITE = "infinite: the logarithm of 0, a division by 0, or an overflow"
NUMBER = (int, float, type(None))  # in a form: a number, or null for NaN


def write_whole(path: Path, content: str | bytes | Callable[[BinaryIO], Any]) -> None:
    """Writes to a temporary file in the same folder, then renames it: readers see the old file or the new one.

    Args:
        path: The file; its folder is created if necessary.
        content: What goes into it, or a function that writes it.

    Raises:
        OSError: It cannot be written. The error names the file, even if the system does not (full disk).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with naming(path), open(temporary, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Context in which system errors without a file name, such as that of a full disk, get the name of this file."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # torch has its own error for a full disk
        if isinstance(cause, OSError) and cause.errno and not cause.filename:
            cause.filename = str(path)
        raise


@contextmanager
def hold(lock: Path, **options: Any) -> Iterator[None]:
    """Context that only one process is in at a time.

    Args:
        lock: The lock file.
        options: As for `filelock.FileLock`.

    Raises:
        OSError: The file system has no locks; the error names the file.
        filelock.Timeout: Another process is in it, as long as the options allow.
    """
    held = filelock.FileLock(lock, **options)
    with naming(lock):
        held.acquire()
    try:
        yield
    finally:
        held.release()


@functools.cache
def warn(line: str) -> None:
    """Logs a warning once per process."""
    log.warning("%s", line)


def finite(content: Any, key: str = "") -> tuple[Any, dict[str, str]]:
    """The content with null for every number that JSON does not have.

    Args:
        content: Mappings, lists, strings and numbers.
        key: Its place in the document, such as `best.scores`.

    Returns:
        The content, and for the key of each replaced number the reason.
    """
    if isinstance(content, float) and not math.isfinite(content):
        return None, {key: NAN if math.isnan(content) else INFINITE}
    if isinstance(content, Mapping):
        parts = {name: finite(value, f"{key}.{name}" if key else str(name)) for name, value in content.items()}
        return {name: part for name, (part, _) in parts.items()}, _all(parts.values())
    if isinstance(content, list | tuple):
        parts = [finite(value, f"{key}[{place}]") for place, value in enumerate(content)]
        return [part for part, _ in parts], _all(parts)
    return content, {}


def write_json(path: Path, content: Any, indent: int | None = None) -> None:
    """Writes JSON without NaN and infinite numbers, which it does not have.

    They become null, each with a warning in the log; a mapping says why under `not_finite`.
    """
    content, missing = finite(content)
    for key, reason in missing.items():
        log.warning("%s: %s is %s; written as null", path, key, reason)
    if missing and isinstance(content, dict):
        content["not_finite"] = missing
    write_whole(path, json.dumps(content, indent=indent, allow_nan=False) + "\n" * (indent is not None))


def read_json(path: Path, form: Any = dict) -> Any:
    """The content of a JSON file, in UTF-8 with or without a byte order mark.

    Args:
        path: The file.
        form: What it must hold, as for `misfit`.

    Raises:
        ValueError: It is damaged, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error})") from error
    if reason := misfit(content, form):
        raise ValueError(f"{path} is damaged ({reason})")
    return content


def misfit(content: Any, form: Any, key: str = "") -> str | None:
    """How the content of a JSON file deviates from a form; None if it fits.

    Args:
        content: The content.
        form: A type or several; or a list with the form of all items; or a mapping from keys to their forms, in which
            `*` means all keys, and a key with `?` at its end may be missing.
        key: Its place in the document, such as `best.scores`.
    """
    kinds = type(form) if isinstance(form, dict | list) else form
    if not isinstance(content, kinds) or (isinstance(content, bool) and kinds is not bool):
        return f"{key or 'the document'} is {'null' if content is None else f'a {type(content).__name__}'}"
    whole = cast("Any", content)  # a list or a mapping, as the form is
    if isinstance(form, list):
        parts = [(f"{key}[{place}]", value, form[0]) for place, value in enumerate(whole)]
    elif isinstance(form, dict) and "*" in form:
        parts = [(f"{key}.{name}", value, form["*"]) for name, value in whole.items()]
    elif isinstance(form, dict):
        names = {name.removesuffix("?"): name for name in form}
        if lacking := [name for name, given in names.items() if name == given and name not in whole]:
            return f"{key or 'the document'} has no {lacking[0]}"
        parts = [(f"{key}.{name}", whole[name], form[given]) for name, given in names.items() if name in whole]
    else:
        return None
    return next((reason for place, value, part in parts if (reason := misfit(value, part, place.strip(".")))), None)


def _all(parts: Iterable[tuple[Any, dict[str, str]]]) -> dict[str, str]:
    return {key: reason for _, missing in parts for key, reason in missing.items()}
