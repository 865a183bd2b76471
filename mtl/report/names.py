"""What weighters, tasks and metrics are called where people read them."""

from typing import NamedTuple

SINGLE_TASK = "Single-task"

# Name of the config -> name in print, in the order of the paper's tables; those the paper has no row for come last.
METHODS = {
    "uniform": "Uniform",
    "grid_search": "Grid Search",
    "uw": "UW",
    "gradnorm": "GradNorm",
    "dwa": "DWA",
    "mgda": "MGDA",
    "rlw": "RLW",
    "famo": "FAMO",
    "pcgrad": "PCGrad",
    "cagrad": "CAGrad",
    "graddrop": "GradDrop",
    "url": "URL",
    "nashmtl": "NashMTL",
    "fairgrad": "FairGrad",
    "avgnorm": "AvgNorm",
    "inverse_norm": "InverseNorm",
    "imtl_l": "IMTL-L",
    "imtl_g": "IMTL-G",
    "slaw": "SLAW",
    "torchjd": "TorchJD",
}


class Notation(NamedTuple):
    """How a metric is written.

    Args:
        name: Its name in print.
        unit: Its unit.
        digits: Decimals worth printing.
    """

    name: str
    unit: str
    digits: int


METRICS = {
    "miou": Notation("mIoU", "%", 2),
    "rmse": Notation("RMSE", "m", 4),
    "mean_angular_error": Notation("mErr", "deg", 2),
    "max_f": Notation("maxF", "%", 2),
    "ods_f": Notation("odsF", "%", 2),
}


def method_label(weighter: str) -> str:
    """Name of a weighter in print; its own where it has no other."""
    return METHODS.get(weighter, weighter)


def method_order(weighter: str) -> tuple[int, str]:
    """Sorting key: the order of `METHODS`, then all others by name."""
    return (list(METHODS).index(weighter) if weighter in METHODS else len(METHODS), weighter)
