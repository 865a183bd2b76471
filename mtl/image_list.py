"""Lists of images: text files with one id per line."""

from pathlib import Path


def read_ids(path: Path) -> list[str]:
    """The ids in a list, in order; blank lines and a byte order mark are ignored.

    Args:
        path: The file.

    Raises:
        ValueError: It cannot be read, is not UTF-8 text, or has several words on a line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError(f"{path}: is UTF-16 text; save it as UTF-8")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    for number, line in enumerate(lines, 1):
        if len(line.split()) > 1:
            raise ValueError(f"{path}: line {number} is {line.strip()!r}: a list has one id per line and nothing else")
    return [line.strip() for line in lines if line.strip()]
