from mtl.cli.ending import FailedRuns, end, run
from mtl.cli.gpus import OwnGPUs
from mtl.cli.settings import compose

__all__ = ["FailedRuns", "OwnGPUs", "compose", "end", "run"]
