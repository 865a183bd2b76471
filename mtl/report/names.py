"""Names in print: of methods, datasets, networks and metrics, and the row of a table that a run belongs to."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mtl.tasks import Notation, known
from mtl.tasks.base import plain_notation

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

DATASETS = {
    "nyud": "NYUD-v2",
    "pascal_context": "PASCAL-Context",
    "replica": "Replica",
    "rooms": "rooms",
    "bsds500": "BSDS500",
}

# Datasets with images of their own for choosing the best network; on all others it is chosen on those that are scored.
VALIDATED_APART = ("Replica", "BSDS500")

# Name of the config -> backbone and its initial weights in print; the paper names the weights in Table IV alone.
BACKBONES = {
    "resnet18": ("ResNet-18", ""),
    "resnet50": ("ResNet-50", ""),
    "resnet_tiny": ("ResNet-tiny", ""),
    "resnet_narrow": ("ResNet-narrow", ""),
    "hrnet18": ("HRNet-18", ""),
    "vit_tiny": ("ViT-T/16", ""),
    "vit_base": ("ViT-B", ""),
    "vit_base_in1k": ("ViT-B", "ImageNet-1K"),
    "vit_base_in21k": ("ViT-B", "ImageNet-21K"),
    "vit_base_in22k": ("ViT-B", "ImageNet-22K"),
    "vit_base_clip": ("ViT-B", "CLIP"),
    "vit_base_sam": ("ViT-B", "SAM"),
    "vit_base_dino": ("ViT-B", "DINO"),
    "vit_base_dinov2": ("ViT-B", "DINO-v2"),
}

ARCHITECTURES = {"vanilla": "Vanilla", "mtan": "MTAN", "mti_net": "MTI-Net", "invpt": "InvPT"}

# What is done to the training split of Table V, `dataset.sampling` or `dataset.noise` -> its name in the paper.
OPERATIONS = {
    "half_scans": "1/2 number of scans (per scene)",
    "quarter_scans": "1/4 number of scans (per scene)",
    "twelve_scans": "12 scans (per scene)",
    "half_scenes": "1/2 number of scenes (all scans)",
    "quarter_scenes": "1/4 number of scenes (all scans)",
    "one_scene": "1 scene (all scans)",
    "pixel": "Noise",
    "category": "Noise (whole categories)",
}


def notation(task: str, metric: str) -> Notation:
    """How a metric of a task is written; by its key where no label of the task is known, or does not name it."""
    labels = {label.name: label for label in known()}
    return labels[task].notation(metric) if task in labels else plain_notation(metric)


def primary(task: str, columns: Iterable[str]) -> str | None:
    """The metric that a task is judged by, from the columns `best/<task>/<metric>` of a summary; None without one.

    It is the first that the label of the task names, or else the first column.
    """
    found = [column.split("/")[2] for column in columns if column.startswith(f"best/{task}/")]
    named = next((label.notations for label in known() if label.name == task), {})
    return next((metric for metric in [*named, *found] if metric in found), None)


def chosen_on(datasets: Iterable[str], ours: bool = True) -> list[str]:
    """How the best networks of a table were chosen, as notes below it.

    Args:
        datasets: What the datasets of its rows are called in print.
        ours: Whether the table has numbers at the last evaluation as well.
    """
    last = "; last is not" * ours
    return [
        f"{name}: best is chosen on the scored images, as in the paper's protocol, so it is optimistic{last}."
        for name in dict.fromkeys(datasets)
        if name not in VALIDATED_APART
    ]


def method_label(weighter: str) -> str:
    """Name of a weighter in print; its own where it has no other."""
    return METHODS.get(weighter, weighter)


def method_order(weighter: str) -> tuple[int, str]:
    """Sorting key: the order of `METHODS`, then all others by name."""
    return (list(METHODS).index(weighter) if weighter in METHODS else len(METHODS), weighter)


class Setting(NamedTuple):
    """What networks have in common that the paper compares directly."""

    dataset: str  # as the paper writes it: NYUD-v2
    backbone: str  # ResNet-18
    architecture: str  # Vanilla
    initialization: str = ""  # of Table IV: ImageNet-1K; elsewhere empty
    operation: str = ""  # of Table V: Noise; empty where the training split is whole and clean


SETTING = list(Setting._fields)
ROW = [*SETTING, "method", "variant"]  # what names a row of a table; the variant: where the method leaves its default
BLOCK = ["dataset", "backbone", "architecture"]  # rows that are ranked together

Row = tuple[str, ...]  # the values of ROW


def setting_of(config: Mapping[str, Any]) -> Setting:
    """The setting of a resolved config; what the paper has no name for keeps its own."""
    dataset, backbone, model = config["dataset"], config["backbone"]["name"], config["model"]["name"]
    settings = [dataset.get("operations", {}).get(name, {}) for name in ("sampling", "noise")]
    done = [word for node in settings for word in (node.get("word"), node.get("mode")) if word in OPERATIONS]
    return Setting(
        DATASETS.get(dataset["name"], dataset["name"]),
        *BACKBONES.get(backbone, (backbone, ""))[:1],
        ARCHITECTURES.get(model, model),
        BACKBONES.get(backbone, ("", ""))[1],
        ", ".join(OPERATIONS[word] for word in done),
    )


def method_of(config: Mapping[str, Any]) -> str:
    """Name of the method in print: the weighter's, or that of single-task networks."""
    return SINGLE_TASK if len(config["subset"]) == 1 else method_label(config["weighter"]["name"])
