"""Which code a run executes: its commit, a hash of its files, and its uncommitted changes.

An installed package has the hash of the checkout that it was built from, and no commit.
"""

import hashlib
import os
import subprocess
from pathlib import Path

from mtl.places import PACKAGE

ROOT = PACKAGE.parent
RUNNING = ("mtl", "configs", "train.py", "requirements.lock")  # results and documents do not affect a run,
ASIDE = ("mtl/bench", "mtl/report")  # nor do measurements and tables


def commit(root: Path = ROOT) -> str | None:
    """The commit that is checked out; None without git."""
    return _git(root, "rev-parse", "HEAD").decode().strip() or None


def changes(root: Path = ROOT) -> bytes:
    """Uncommitted changes that can affect a run, new files included, as a patch; empty without git.

    They are bytes, because files may have line ends or encodings that text would change.
    """
    places = ["--", *RUNNING, *(f":(exclude){path}" for path in ASIDE)]
    new = _git(root, "ls-files", "-z", "--others", "--exclude-standard", *places).split(b"\0")
    added = [_git(root, "diff", "--no-index", "--", "/dev/null", os.fsdecode(path)) for path in new if path]
    return _git(root, "diff", "HEAD", *places) + b"".join(added)


def fingerprint(root: Path = ROOT) -> str:
    """Hash of the Python files that can affect a run, so two commits share it if they differ elsewhere. 12 digits.

    YAML files do not count: what a run uses of them is in its record.
    """
    found = hashlib.sha256()
    for path in sorted(root.glob("mtl/**/*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(tuple(f"{aside}/" for aside in ASIDE)):
            content = path.read_bytes()
            found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:12]


def _git(root: Path, *arguments: str) -> bytes:
    """Output of a git command in a folder; empty without git, outside a repository, or in an installed package."""
    if (root / "mtl" / "configs").is_dir():  # a repository around it would be that of another project
        return b""
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False).stdout
    except FileNotFoundError:
        return b""
