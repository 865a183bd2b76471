from mtl.data.disk.dataset import DiskDataset, MissingDatasetError, OnError
from mtl.data.stored import DamagedFileError

__all__ = ["DamagedFileError", "DiskDataset", "MissingDatasetError", "OnError"]
