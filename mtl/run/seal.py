"""A checksum of a whole checkpoint, in the comment of its zip archive, which torch and other readers skip.

torch writes a CRC-32 of every tensor but never compares it. Ours takes its place, and costs as much time.
"""

import zipfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from torch.utils.serialization import config

END, NO_COMMENT = b"PK\5\6", b"\0\0"  # start of the last 22 bytes of an archive, and their end: the comment's length
TAIL = 16  # bytes of the comment with its length
CHUNK = 2**24


class Counted:
    """Passes bytes on to a file, and computes their CRC-32."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.flush, self.sum = file, file.flush, 0

    def write(self, content: Any) -> int:
        """Writes the bytes."""
        self.sum = zlib.crc32(content, self.sum)
        return self.file.write(content)


def write_sealed(file: BinaryIO, save: Callable[[Any], None]) -> None:
    """Writes an archive and the checksum.

    Args:
        file: An empty file.
        save: Writes the archive with torch.
    """
    counted = Counted(file)
    with cast("Any", config).patch({"save.compute_crc32": False}):
        save(counted)
    file.seek(-len(NO_COMMENT), 2)
    file.write(tail(counted.sum))


def check(file: BinaryIO) -> None:
    """Compares a file with its checksum, or with those of its parts if it was not written by `write_sealed`.

    Raises:
        ValueError: The content has changed since, or the file is not an archive.
    """
    size = file.seek(0, 2)
    file.seek(0)
    found, left = 0, max(size - TAIL, 0)
    while left and (part := file.read(min(left, CHUNK))):
        found, left = zlib.crc32(part, found), left - len(part)
    last = file.read()
    if last != tail(zlib.crc32(NO_COMMENT, found)):
        file.seek(max(size - 22, 0))
        whole = file.read()
        if not (whole.startswith(END) and whole.endswith(NO_COMMENT)):
            raise ValueError("it is not what was written there")
        if (name := zipfile.ZipFile(file).testzip()) is not None:
            raise ValueError(f"{name} in it is not what was written there")
    file.seek(0)


def tail(checksum: int) -> bytes:
    """The comment of an archive, after its length."""
    comment = b"crc32 %08x" % checksum
    return len(comment).to_bytes(2, "little") + comment
