"""Compiler settings of all kernels.

`nogil` lets several threads score at once. A kernel calls only kernels of its own file: numba stores compiled code per
file and does not notice that another file has changed.
"""

from numba import njit

kernel = njit(cache=True, nogil=True, error_model="numpy")
