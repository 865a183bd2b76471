"""Record of the files of a dataset that passed the check, with checksums: `data/nyud.manifest.json`."""

import hashlib
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from mtl.files import read_json, write_whole


class Manifest:
    """Size, time and sha256 of every file that passed the check, by its path below the root.

    A file with unchanged size and time is not read again. A file with another time is recognised by its sha256.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path, self.root = path, root
        self.files: dict[str, list] = {}  # [sha256, bytes, nanoseconds]
        self.news = False
        self.changed: list[str] = []  # files whose contents changed since they were first checked
        if path.is_file():
            try:
                self.files = read_json(path, {"files": {"*": list}})["files"]
                if wrong := [name for name, known in self.files.items() if [*map(type, known)] != [str, int, int]]:
                    raise ValueError(f"{path} is damaged ({wrong[0]} has no checksum, size and time)")
            except ValueError as error:
                raise ValueError(f"{error}: delete it to have the files checked again") from error

    def __len__(self) -> int:
        return len(self.files)

    def untouched(self, file: Path) -> bool:
        """Whether the file passed the check and its size and time have not changed since."""
        known = self.files.get(self._name(file))
        if not known:
            return False
        try:
            status = file.stat()
        except OSError:
            return False
        return known[1:] == [status.st_size, status.st_mtime_ns]

    def same(self, file: Path) -> bool:
        """Whether the file passed the check and has the same contents; updates its recorded time."""
        known = self.files.get(self._name(file))
        if not known or not file.is_file() or known[:1] != (now := fingerprint(file))[:1]:
            return False
        self._set(file, now)
        return True

    def add(self, file: Path) -> None:
        """Record a file that passed the check."""
        name, now = self._name(file), fingerprint(file)
        if self.files.get(name, now)[0] != now[0]:
            self.changed.append(name)
        self._set(file, now)

    def digest(self, files: Iterable[Path]) -> str:
        """Hash of the names and contents of files that passed the check, in any order. 12 digits."""
        lines = sorted({f"{name} {self.files[name][0]}\n" for name in map(self._name, files)})
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]

    def save(self, about: str) -> None:
        """Write the manifest if it has changed.

        Raises:
            OSError: The folder is not writable.
        """
        if not self.news:
            return
        strict = partial(json.dumps, allow_nan=False)
        lines = ",\n".join(f"{strict(name)}: {strict(known)}" for name, known in sorted(self.files.items()))
        write_whole(self.path, f'{{"about": {strict(about)}, "files": {{\n{lines}\n}}}}\n')

    def _set(self, file: Path, now: list) -> None:
        self.news |= self.files.get(self._name(file)) != now
        self.files[self._name(file)] = now

    def _name(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()


def fingerprint(file: Path) -> list:
    """Sha256, size in bytes and modification time in nanoseconds of a file."""
    status = file.stat()
    with open(file, "rb") as stream:
        return [hashlib.file_digest(stream, "sha256").hexdigest(), status.st_size, status.st_mtime_ns]
