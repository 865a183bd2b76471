from mtl.cli.ending import FailedRuns, end, run
from mtl.cli.settings import compose

__all__ = ["FailedRuns", "compose", "end", "run"]
