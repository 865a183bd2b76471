"""What to raise for a file that is not what it should be: one line that names it and says what is there."""

import struct
import zipfile
import zlib
from pathlib import Path

from PIL.Image import DecompressionBombError
from scipy.io.matlab import MatReadError

# A damaged file leads a reader astray wherever it is damaged; whatever the reader meets there, the file is named.
UNREADABLE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError),
    *(NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile, MatReadError, DecompressionBombError),
)
CAUSES = {  # words in what a library says, and what they mean
    "decompression bomb": "claims more pixels than an image has, so it is not read",
    "v7.3": "is a MATLAB 7.3 file; save it with -v7",
    "pickle": "holds pickled Python objects, not an array of numbers; save it with np.save(path, array)",
}


class DamagedFileError(ValueError):
    """A file is missing, unreadable, or holds something else than its kind does."""


def unreadable(path: Path, error: BaseException) -> DamagedFileError:
    """The error for a file that a library cannot read.

    Args:
        path: The file.
        error: What the library raised.
    """
    if path.is_symlink() and not path.exists():
        return DamagedFileError(f"{path}: is a link to a file that is not there")
    if not path.exists():
        return DamagedFileError(f"{path}: missing{near_miss(path)}")
    if isinstance(error, PermissionError):
        return DamagedFileError(f"{path}: may not be read ({error.strerror})")
    if path.is_dir():
        return DamagedFileError(f"{path}: is a folder, not a file")
    reason = " ".join(str(error).replace(str(path), "").split())
    cause = next((known for word, known in CAUSES.items() if word in reason), "cannot be read, probably cut off at")
    if cause.endswith("at"):
        cause += f" {path.stat().st_size} bytes ({reason})"
    return DamagedFileError(f"{path}: {cause}")


def near_miss(path: Path) -> str:
    """The file that was probably meant, for the message about a missing one; empty if there is none like it."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.name.lower() == path.name.lower()]
    except OSError:
        return ""
    return f", but {names[0]} is there: rename it" if names else ""
