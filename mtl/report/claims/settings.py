"""Settings and methods that the claims refer to, and those of ours that are used in their place."""

from collections.abc import Mapping
from typing import NamedTuple

from mtl.report.names import METHODS, OPERATIONS, SINGLE_TASK, Setting

SINGLE, UNIFORM, GRID, AVGNORM = SINGLE_TASK, "Uniform", "Grid Search", "AvgNorm"

NYUD = Setting("NYUD-v2", "ResNet-18", "Vanilla")
PASCAL = NYUD._replace(dataset="PASCAL-Context")
NYUD_MTAN, PASCAL_MTAN = (setting._replace(architecture="MTAN") for setting in (NYUD, PASCAL))
NYUD_R50 = NYUD._replace(backbone="ResNet-50")
FOUR = (NYUD, PASCAL, NYUD_MTAN, PASCAL_MTAN)  # of Table II
FIVE = (*FOUR, NYUD_R50)  # of Tables II and III

ROWS = tuple(METHODS.values())[: list(METHODS).index("avgnorm")]  # multi-task rows of Table II
OPTIMISERS = ROWS[2:]  # without Uniform and Grid Search
SEARCHED = (GRID, "GradNorm", "DWA")  # the paper prints the best of a search (appendix, Others)
GOOD = (GRID, "CAGrad", "NashMTL")  # the paper compares their curves with Uniform's

ARCHITECTURES = {"MTAN": "ResNet-18", "MTI-Net": "HRNet-18", "InvPT": "ViT-T/16"}  # -> backbone, Sec. V-C
DATASETS = (NYUD.dataset, PASCAL.dataset)
INITIALIZATIONS = ("ImageNet-1K", "ImageNet-21K", "ImageNet-22K", "CLIP", "SAM", "DINO", "DINO-v2")

REPLICA = Setting("Replica", "ViT-T/16", "InvPT")
NOISE = REPLICA._replace(operation=OPERATIONS["pixel"])
FEWER_SCANS, FEWER_SCENES = (
    tuple(REPLICA._replace(operation=OPERATIONS[word]) for word in words)
    for words in (("half_scans", "quarter_scans", "twelve_scans"), ("half_scenes", "quarter_scenes", "one_scene"))
)

_SHORT = {"NYUD-v2": "NYUD", "PASCAL-Context": "PASCAL", "ResNet-18": "R18", "ResNet-50": "R50"}
_SHORT |= {"ResNet-tiny": "tiny", "ResNet-narrow": "narrow"}


class StandIns(NamedTuple):
    """Networks of ours that are used in place of the paper's.

    Args:
        networks: Dataset, backbone and architecture of the paper -> ours.
    """

    networks: Mapping[tuple[str, str, str], tuple[str, str, str]]

    def place(self, setting: Setting) -> Setting:
        """Our setting for one of the paper; a network without one of ours is looked for on our dataset.

        A setting of ours is returned unchanged.
        """
        datasets = {theirs: ours for (theirs, *_), (ours, *_) in self.networks.items()}
        dataset = datasets.get(setting.dataset, setting.dataset)
        place = self.networks.get(setting[:3], (dataset, *setting[1:3]))
        return Setting(*place, setting.initialization, setting.operation)

    def __str__(self) -> str:
        return ", ".join(f"{' '.join(ours)} for {' '.join(theirs)}" for theirs, ours in self.networks.items())


NONE = StandIns({})
ROOMS = StandIns(
    {
        ("NYUD-v2", "ResNet-18", "Vanilla"): ("rooms-NYUD", "ResNet-tiny", "Vanilla"),
        ("NYUD-v2", "ResNet-18", "MTAN"): ("rooms-NYUD", "ResNet-narrow", "MTAN"),
        ("PASCAL-Context", "ResNet-18", "Vanilla"): ("rooms-PASCAL", "ResNet-tiny", "Vanilla"),
        ("PASCAL-Context", "ResNet-18", "MTAN"): ("rooms-PASCAL", "ResNet-narrow", "MTAN"),
        ("Replica", "ViT-T/16", "InvPT"): ("rooms-Replica", "ResNet-tiny", "Vanilla"),
    }
)
CAMVID = StandIns({("NYUD-v2", "ResNet-18", "Vanilla"): ("CamVid", "EfficientNet-Lite0", "Vanilla")})
STAND_INS = {"": NONE, "rooms": ROOMS, "camvid": CAMVID}  # by the word dataset=


def initialized(dataset: str, initialization: str) -> Setting:
    """Setting of Table IV."""
    return Setting(dataset, "ViT-B", "Vanilla", initialization)


def architecture(dataset: str, name: str) -> Setting:
    """Setting of an architecture of Fig. 4 on its backbone."""
    return Setting(dataset, ARCHITECTURES[name], name)


def short(setting: Setting) -> str:
    """Short name of a setting: "NYUD R18", "NYUD MTAN", "PASCAL DINO", "Replica 1/2 number of scans"."""
    name = _SHORT.get(setting.dataset, setting.dataset)
    if setting.dataset.endswith(REPLICA.dataset):
        return f"{name} {setting.operation.partition(' (')[0]}".strip()
    if setting.initialization:
        return f"{name} {setting.initialization}"
    if setting.architecture != "Vanilla":
        return f"{name} {setting.architecture} {setting.operation}".strip()
    return f"{name} {_SHORT.get(setting.backbone, setting.backbone)} {setting.operation}".strip()
