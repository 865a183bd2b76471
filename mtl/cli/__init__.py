from mtl.cli.ending import FailedRuns, run

__all__ = ["FailedRuns", "run"]
