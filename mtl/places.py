"""Where the files of the project are, and what its commands are called: in a checkout, or installed from a wheel."""

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent
INSTALLED = (PACKAGE / "configs").is_dir()  # a wheel has the folders below in the package, a checkout next to it
ROOT = PACKAGE if INSTALLED else PACKAGE.parent
CONFIGS = ROOT / "configs"
PAPER = ROOT / "results" / "paper"


def as_called(text: str) -> str:
    """The text, with `mtl-train` in place of `python train.py` and so on if that is what this user calls."""
    if not (INSTALLED or Path(sys.argv[0]).name.startswith("mtl-")):
        return text
    return re.sub(r"python (?:scripts/)?(train|evaluate|predict|doctor)\.py", r"mtl-\1", text)


def install(extra: str) -> str:
    """The command that adds the packages of an extra of pyproject.toml."""
    return f"pip install 'mtl-balance[{extra}]'" if INSTALLED else f"pip install -e '.[{extra}]'"
