"""The two kinds of evidence: what the paper prints, and what our runs have left."""

from pathlib import Path

import pandas as pd

from mtl.report.address import Setting
from mtl.report.claims.evidence import Evidence
from mtl.report.names import BACKBONES, DATASETS
from mtl.report.results import paper_results, read_results
from mtl.report.windows import COLUMNS, read_curves

STAND_INS = {"rooms": "resnet_narrow"}  # for ResNet-18, as experiment=small has it


def paper_evidence(folder: Path) -> Evidence:
    """The paper's tables, and the Delta_m of Fig. 4 that stand in its text; it gives no curves.

    Args:
        folder: Folder of `all_results_long.csv` and `prose_numbers.csv`.
    """
    long = pd.read_csv(folder / "all_results_long.csv", keep_default_na=False)
    printed = long[long["metric"] == "delta_m_percent_printed"].set_index("row_id")["value"].astype(float).to_dict()
    curves = pd.DataFrame(columns=COLUMNS)
    return Evidence(paper_results(folder), curves, exact=True, printed=printed, prose=_prose(folder))


def our_evidence(folder: Path, stand_in: str = "", backbone: str = "") -> Evidence:
    """What is left of our runs in summaries and curves.

    Args:
        folder: Folder of the CSV files.
        stand_in: Dataset that stands in for all others, as it is printed; empty: each claim is judged on its own.
        backbone: What stands in for ResNet-18 there, as it is printed.
    """
    return Evidence(read_results(folder), read_curves(folder), stand_in=stand_in, backbone=backbone)


def chosen_evidence(results: Path, dataset: str, backbone: str) -> Evidence:
    """Ours as the words of a command line choose it.

    Args:
        results: The results folder.
        dataset: Name in configs of what stands in for every dataset; empty for none.
        backbone: Name in configs of what stands in for ResNet-18; empty for that of `experiment=small` on rooms.

    Raises:
        SystemExit: There is no such dataset.
    """
    if dataset not in ("", *DATASETS):
        raise SystemExit(f"dataset={dataset}: known datasets are {', '.join(DATASETS)}")
    backbone = backbone or STAND_INS.get(dataset, "")
    return our_evidence(results / "summary", DATASETS.get(dataset, ""), BACKBONES.get(backbone, (backbone, ""))[0])


def _prose(folder: Path) -> dict[tuple[Setting, str], float]:
    """(setting, method or "gap") -> Delta_m in percent or points, of what Fig. 4 shows and the text says."""
    numbers = pd.read_csv(folder / "prose_numbers.csv", dtype=str, keep_default_na=False)
    found = {}
    for _, row in numbers[numbers["figure"] == "4"].iterrows():
        backbone, architecture, *method = row["configuration"].split(", ")
        architecture = architecture.removesuffix(" modules").replace("vanilla", "Vanilla")
        what = "gap" if row["quantity"].startswith("gap") else method[0]
        found[Setting(row["dataset"], backbone, architecture), what] = float(row["value"])
    return found
