"""Atomic file writes, and JSON that every parser accepts."""

import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO


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
        with open(temporary, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        cause = error if isinstance(error, OSError) else error.__context__  # torch has its own error for a full disk
        if isinstance(cause, OSError) and cause.errno and not cause.filename:
            cause.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


log = logging.getLogger(__name__)

NAN = "NaN: there was nothing to compute it from, or an input was NaN"
INFINITE = "infinite: the logarithm of 0, a division by 0, or an overflow"


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


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: It is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error})") from error


def _all(parts: Iterable[tuple[Any, dict[str, str]]]) -> dict[str, str]:
    return {key: reason for _, missing in parts for key, reason in missing.items()}
