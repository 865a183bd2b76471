"""Files that are whole or not there."""

import os
from collections.abc import Callable
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
