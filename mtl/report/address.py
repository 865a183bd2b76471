"""Where a run stands in the paper's terms: dataset, backbone, architecture, initialisation, operation and method."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mtl.report.names import ARCHITECTURES, BACKBONES, DATASETS, OPERATIONS, SINGLE_TASK, method_label


class Setting(NamedTuple):
    """What networks have in common that the paper compares directly."""

    dataset: str  # as the paper writes it: NYUD-v2
    backbone: str  # ResNet-18
    architecture: str  # Vanilla
    initialization: str = ""  # of Table IV: ImageNet-1K; elsewhere empty
    operation: str = ""  # of Table V: Noise; empty where the training split is whole and clean


def setting_of(config: Mapping[str, Any]) -> Setting:
    """The setting of a resolved config; what the paper has no name for goes by its own."""
    dataset, backbone, model = config["dataset"], config["backbone"]["name"], config["model"]["name"]
    done = [dataset[key] for key, idle in (("sampling", "full"), ("noise", "none")) if dataset.get(key, idle) != idle]
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
