"""Reads the scores of predictions without learning, which `scripts/floors.py` writes."""

from collections.abc import Mapping
from pathlib import Path

from mtl.files import NUMBER, read_json, warn

FORM = {"data": str, "split": str, "floors": {"*": {"*": {"*": NUMBER}}}}
Floors = Mapping[str, Mapping[str, Mapping[str, float]]]  # task -> prediction -> metric -> value


def read_floors(path: Path, data: str) -> Floors:
    """The scores; none if the file is missing, damaged or of other data.

    Args:
        path: The file.
        data: Hash of the images, labels and metrics of the table.
    """
    if not path.exists():
        return {}
    try:
        found = read_json(path, FORM)
    except ValueError as error:
        warn(f"{error}: the table has no scale")
        return {}
    return found["floors"] if found["data"] == data else {}
