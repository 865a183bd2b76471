"""From a file to its numbers: the only way in for labels and predictions.

`read_stored` reads a file of any known format. Which numbers a task accepts and how each is scaled is in the label of
the task (`mtl.tasks`): `read_label` for the files of a dataset, `read_prediction` for those of any program.
"""

from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.file import Stored, check_size, read_stored

__all__ = ["DamagedFileError", "Stored", "check_size", "read_stored"]
