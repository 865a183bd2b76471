from mtl.data.disk.dataset import DiskDataset, MissingDatasetError
from mtl.data.disk.decode import DamagedFileError

__all__ = ["DamagedFileError", "DiskDataset", "MissingDatasetError"]
