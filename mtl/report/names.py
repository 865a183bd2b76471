"""Display names of methods, datasets, networks and metrics, and the table row that a run belongs to."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mtl.tasks import Notation, known
from mtl.tasks.base import plain_notation

SINGLE_TASK = "Single-task"

# Config name -> display name, in the order of the paper's tables; methods that are not in the paper come last.
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
    "uwso": "UW-SO",
    "uwo": "UW-O",
    "gradvac": "GradVac",
    "imgrad": "IMGrad",
    "aligned_mtl": "Aligned-MTL",
    "ngdiff": "NGDiff",
    "db_mtl": "DB-MTL",
    "dtp": "DTP",
    "rotograd": "RotoGrad",
    "auto_lambda": "Auto-Lambda",
    "torchjd": "TorchJD",
}

FLAT = {"per_task": ", flat minima", "shared": ", flat minima (shared offset)"}  # `weighter.sharpness.mode` -> suffix

DISTILLED = ", foundation models"  # of runs that learn from them

DATASETS = {
    "nyud": "NYUD-v2",
    "pascal_context": "PASCAL-Context",
    "replica": "Replica",
    "rooms": "rooms",
    "rooms_nyud": "rooms-NYUD",
    "rooms_pascal": "rooms-PASCAL",
    "rooms_replica": "rooms-Replica",
    "camvid": "CamVid",
    "bsds500": "BSDS500",
}

# Datasets with a separate validation split; on the others, the best network is selected on the evaluation images.
VALIDATED_APART = ("Replica", "CamVid", "rooms-NYUD", "rooms-PASCAL", "rooms-Replica", "BSDS500")

# Config name -> display names of the backbone and its initial weights; the paper names the weights only in Table IV.
BACKBONES = {
    "resnet18": ("ResNet-18", ""),
    "resnet50": ("ResNet-50", ""),
    "resnet_tiny": ("ResNet-tiny", ""),
    "resnet_narrow": ("ResNet-narrow", ""),
    "hrnet18": ("HRNet-18", ""),
    "efficientnet_lite0": ("EfficientNet-Lite0", ""),
    "efficientnet_lite0_one_map": ("EfficientNet-Lite0, one map", ""),
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

ARCHITECTURES = {
    "vanilla": "Vanilla",
    "mtan": "MTAN",
    "mti_net": "MTI-Net",
    "invpt": "InvPT",
    "pad_net": "PAD-Net",
    "cross_stitch": "Cross-stitch",
    "nddr": "NDDR-CNN",
    "branched": "Branched",
    "sak": "SAK",
    "atrc": "ATRC",
    "atrc_labels": "ATRC, labels",
    "atrc_nyud": "ATRC, NYUD-v2 contexts",
    "atrc_pascal": "ATRC, PASCAL-Context contexts",
    "taskprompter": "TaskPrompter",
    "taskprompter_nyud": "TaskPrompter, NYUD-v2 size",
    "taskprompter_pascal": "TaskPrompter, PASCAL-Context size",
}

# Modification of the training split in Table V (`dataset.sampling` or `dataset.noise`) -> its name in the paper.
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
    """Name, unit and digits of a task's metric; falls back to the metric's key if the task or metric is unknown."""
    labels = {label.name: label for label in known()}
    return labels[task].notation(metric) if task in labels else plain_notation(metric)


def heading(task: str, metric: str, higher_is_better: bool) -> str:
    """Heading of a column or panel with a task's metric, such as `depth RMSE m ↓`."""
    name, unit, *_ = notation(task, metric)
    words = (task.replace("_", " "), name, unit, "↑" if higher_is_better else "↓")
    return " ".join(word for word in words if word)


def primary(task: str, columns: Iterable[str]) -> str | None:
    """The primary metric of a task: of the columns `best/<task>/<metric>` the one that the task lists first.

    If the task lists none of them it is the first column; None if there is no column.
    """
    found = [column.split("/")[2] for column in columns if column.startswith(f"best/{task}/")]
    named = next((label.notations for label in known() if label.name == task), {})
    return next((metric for metric in [*named, *found] if metric in found), None)


def chosen_on(datasets: Iterable[str], ours: bool = True) -> list[str]:
    """Notes on how the best networks of a table were selected.

    Args:
        datasets: Display names of the datasets of its rows.
        ours: Whether the table also has numbers of the last evaluation.
    """
    last = "; the last one is not" * ours
    return [
        f"{name}: the best evaluation is selected on the reported images, as in the paper, so it is optimistic{last}."
        for name in dict.fromkeys(datasets)
        if name not in VALIDATED_APART
    ]


def method_label(weighter: str) -> str:
    """Display name of a weighter; its config name if it has none."""
    return METHODS.get(weighter, weighter)


def method_order(weighter: str) -> tuple[int, str]:
    """Sort key: the order of `METHODS`, then all others by name."""
    return (list(METHODS).index(weighter) if weighter in METHODS else len(METHODS), weighter)


def named(method: str, variant: str) -> str:
    """Name of a method with its variant in brackets, if it has one."""
    return f"{method} ({variant})" if variant else method


class Setting(NamedTuple):
    """What networks that the paper compares directly have in common."""

    dataset: str  # as the paper writes it: NYUD-v2
    backbone: str  # ResNet-18
    architecture: str  # Vanilla
    initialization: str = ""  # Table IV only: ImageNet-1K
    operation: str = ""  # Table V only: Noise; empty for the full clean split


SETTING = list(Setting._fields)
ROW = [*SETTING, "method", "variant"]  # identifies a table row; variant: non-default hyper-parameters
BLOCK = ["dataset", "backbone", "architecture"]  # rows that agree in these are ranked together

Row = tuple[str, ...]  # the values of ROW


def setting_of(config: Mapping[str, Any]) -> Setting:
    """The setting of a resolved config; names that the paper does not use are kept as they are."""
    dataset, backbone, model = (str(config[group]["name"]) for group in ("dataset", "backbone", "model"))
    settings = [config["dataset"].get("operations", {}).get(name, {}) for name in ("sampling", "noise")]
    done = [word for node in settings for word in (node.get("word"), node.get("mode")) if word in OPERATIONS]
    return Setting(
        DATASETS.get(dataset, dataset),
        *BACKBONES.get(backbone, (backbone, ""))[:1],
        ARCHITECTURES.get(model, model),
        BACKBONES.get(backbone, ("", ""))[1],
        ", ".join(OPERATIONS[word] for word in done),
    )


def method_of(config: Mapping[str, Any]) -> str:
    """Display name of the method: Single-task, or that of the weighter."""
    weighter = config["weighter"]
    label = method_label(weighter["name"]) + FLAT.get(weighter.get("sharpness", {}).get("mode"), "")
    label += DISTILLED if "distil" in weighter else ""
    return SINGLE_TASK if len(config["subset"]) == 1 else label
