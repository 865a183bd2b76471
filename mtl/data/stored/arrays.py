"""Reads arrays in the formats of NumPy and MATLAB."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from mtl.data.stored.errors import UNREADABLE, DamagedFileError, unreadable

TORCH = "data.pkl"  # member of a zip that identifies a file of torch.save


def read_npy(path: Path, name: str) -> NDArray[Any]:
    """The array of an .npy file, or the array of an .npz with the name or without others.

    Args:
        path: The file.
        name: Key of the array in an .npz.

    Raises:
        DamagedFileError: The file is missing, truncated, or has no such array.
    """
    try:
        with open(path, "rb") as file:  # opened here because NumPy does not close a truncated zip
            content = np.load(file, allow_pickle=False)
            return member(path, content, name) if isinstance(content, NpzFile) else content
    except DamagedFileError:
        raise
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def member(path: Path, arrays: NpzFile, name: str) -> NDArray[Any]:
    """One of the arrays of an .npz.

    Args:
        path: The file, for the message.
        arrays: All arrays of the file.
        name: Key of the array; ignored if there is only one.

    Raises:
        DamagedFileError: There is no such array.
    """
    keys = list(arrays.files)
    if any(key.endswith(TORCH) for key in keys):
        raise DamagedFileError(f"{path}: written by torch.save; use np.save(path, tensor.cpu().numpy())")
    if name not in keys and len(keys) != 1:
        raise DamagedFileError(f"{path}: has the arrays {', '.join(keys) or 'none'}; save one array, or name it {name}")
    return arrays[name if name in keys else keys[0]]


def read_mat(path: Path, name: str) -> Any:
    """A variable of a MATLAB file.

    Args:
        path: The file.
        name: The variable.

    Raises:
        DamagedFileError: The file is missing, truncated, or has no such variable.
    """
    try:
        content = scipy.io.loadmat(path)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    if name not in content:
        names = ", ".join(key for key in content if not key.startswith("__"))
        raise DamagedFileError(f"{path}: has no variable {name}, only {names or 'none'}")
    return content[name]
