"""Files that are whole or not there, and JSON that every reader understands."""

import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO


def write_whole(path: Path, content: str | bytes | Callable[[BinaryIO], Any]) -> None:
    """Writes beside the target, then renames: a reader sees the old file or the new one, never half of one.

    Args:
        path: The file; its folder is made if need be.
        content: What goes into it, or a function that writes it.

    Raises:
        OSError: It cannot be written; the error names the file, even where the system does not (a full disk).
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

NAN = "NaN: there was nothing to compute it from, or NaN went into it"
INFINITE = "infinite: the logarithm of 0, a division by 0, or an overflow"


def finite(content: Any, key: str = "") -> tuple[Any, dict[str, str]]:
    """The content with null for every number that JSON does not have.

    Args:
        content: Of mappings, lists, words and numbers.
        key: Where it is, as `best.scores`.

    Returns:
        The content, and by key why a number is not there any more.
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
    """What a JSON file holds.

    Raises:
        ValueError: It is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error})") from error


def _all(parts: Iterable[tuple[Any, dict[str, str]]]) -> dict[str, str]:
    return {key: reason for _, missing in parts for key, reason in missing.items()}
