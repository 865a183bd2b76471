"""From a file to the numbers of a task: the one door for labels and predictions.

`read_stored` reads a file of any known format; a record a task says which numbers it takes and how each is scaled, in
`label` for the files of a dataset and in `prediction` for those of any program. Everything else is refused in one line.
"""

from mtl.data.stored.classes import VOID, Classes
from mtl.data.stored.depth import Depth
from mtl.data.stored.errors import DamagedFileError
from mtl.data.stored.file import Stored, check_size, read_stored
from mtl.data.stored.normals import Normals
from mtl.data.stored.probability import Edge, Saliency

__all__ = [
    "VOID",
    "Classes",
    "DamagedFileError",
    "Depth",
    "Edge",
    "Normals",
    "Saliency",
    "Stored",
    "check_size",
    "read_stored",
]
