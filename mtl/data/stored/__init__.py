"""Reads the numbers of label and prediction files.

`read_stored` reads a file of any supported format. The label of a task (`mtl.tasks`) defines which values are accepted
and how they are scaled: `read_label` for files of a dataset, `read_prediction` for files of any program.
"""

from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.file import Stored, check_size, read_stored

__all__ = ["DamagedFileError", "Stored", "check_size", "read_stored"]
