from mtl.cli.ending import FailedRuns, end, run

__all__ = ["FailedRuns", "end", "run"]
