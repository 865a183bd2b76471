"""Errors for invalid files: one line that names the file and says what it contains."""

import struct
import zipfile
import zlib
from pathlib import Path

from PIL.Image import DecompressionBombError
from scipy.io.matlab import MatReadError

# A damaged file can raise nearly any error in the library that reads it; all are converted to name the file.
UNREADABLE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError),
    *(NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile, MatReadError, DecompressionBombError),
)
CAUSES = {  # part of a library's message: explanation
    "decompression bomb": "claims more pixels than an image has, so it is not read",
    "v7.3": "is a MATLAB 7.3 file; save it with -v7",
    "pickle": "holds pickled Python objects, not an array of numbers; save it with np.save(path, array)",
}


class DamagedFileError(ValueError):
    """A file is missing, unreadable, or has unexpected contents."""


def unreadable(path: Path, error: BaseException) -> DamagedFileError:
    """The error for a file that a library cannot read.

    Args:
        path: The file.
        error: The error of the library.
    """
    if path.is_symlink() and not path.exists():
        return DamagedFileError(f"{path}: is a link to a file that does not exist")
    if not path.exists():
        return DamagedFileError(f"{path}: missing{near_miss(path)}")
    if isinstance(error, PermissionError):
        return DamagedFileError(f"{path}: no permission to read ({error.strerror})")
    if path.is_dir():
        return DamagedFileError(f"{path}: is a folder, not a file")
    reason = " ".join(str(error).replace(str(path), "").split())
    cause = next((known for word, known in CAUSES.items() if word in reason), "cannot be read, probably truncated at")
    if cause.endswith("at"):
        cause += f" {path.stat().st_size} bytes ({reason})"
    return DamagedFileError(f"{path}: {cause}")


def near_miss(path: Path) -> str:
    """Hint at a similarly named file, for the message about a missing file; empty if there is none."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.name.lower() == path.name.lower()]
    except OSError:
        return ""
    return f", but {names[0]} is there: rename it" if names else ""
