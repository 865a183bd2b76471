"""Compiler settings of all kernels.

`nogil` lets several threads score at once. A kernel calls only kernels of its own file: numba stores compiled code per
file and does not notice that another file has changed.
"""

from collections.abc import Callable

from numba import njit


def kernel(function: Callable) -> Callable:
    """The function, compiled at its first call; the machine code is stored where numba finds a folder to write to."""
    try:
        return njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # no such folder: every process compiles for itself
        return njit(function, nogil=True, error_model="numpy")
