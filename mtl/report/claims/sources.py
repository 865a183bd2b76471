"""The two kinds of evidence: the paper's printed numbers and the results of our runs."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mtl.report.claims.evidence import Evidence
from mtl.report.claims.settings import NONE, SEARCHED, STAND_INS, StandIns
from mtl.report.names import ROW, Setting
from mtl.report.numbers.gains import delta_by_seed, published_baseline, with_gains
from mtl.report.numbers.probe import without_probes
from mtl.report.numbers.search import best_variants, judging
from mtl.report.read.curves import COLUMNS, read_curves
from mtl.report.read.frame import read_frame
from mtl.report.read.scores import paper_scores, read_scores


def paper_evidence(folder: Path) -> Evidence:
    """The paper's tables and the Delta_m of Fig. 4 that its text gives; there are no curves.

    Args:
        folder: Folder with `all_results_long.csv` and `prose_numbers.csv`.
    """
    path = folder / "all_results_long.csv"
    long = read_frame(path, ("row_id", "metric", "value"), ["value"], keep_default_na=False)
    deltas = long[long["metric"] == "delta_m_percent_printed"]
    printed = dict(zip(deltas["row_id"], deltas["value"].astype(float), strict=True))
    curves = pd.DataFrame(columns=COLUMNS)
    return Evidence(paper_scores(folder), curves, exact=True, printed=printed, prose=_prose(folder))


def our_evidence(folder: Path, stand_ins: StandIns = NONE) -> Evidence:
    """Summaries and curves of our runs; for a search the best variant, as in the paper.

    Args:
        folder: Folder of the CSV files.
        stand_ins: Networks of ours used in place of the paper's.
    """
    scores, curves = (_of(stand_ins, frame) for frame in (read_scores(folder), read_curves(folder)))
    best = best_variants(_candidates(scores), SEARCHED)
    return Evidence(_chosen(scores, best), _chosen(curves, best), stand_ins=stand_ins)


def stand_ins_of(dataset: str) -> StandIns:
    """Networks of ours used in place of the paper's, as selected on the command line.

    Args:
        dataset: `rooms` or `camvid` for the studies there; empty for the datasets of the paper.

    Raises:
        ValueError: It is another word.
    """
    if dataset not in STAND_INS:
        known = ", ".join(word for word in STAND_INS if word)
        raise ValueError(f"dataset={dataset}: the claims are judged on the paper's datasets (no word), or on {known}")
    return STAND_INS[dataset]


def _candidates(scores: pd.DataFrame) -> pd.Series:
    """Delta_m by row and seed on the images that choose, of the variants with the most seeds of their method."""
    deltas = delta_by_seed(with_gains(judging(without_probes(scores)), published_baseline)).dropna()
    seeds = deltas.groupby(level=ROW).transform("size")
    return deltas[seeds == seeds.groupby(level=ROW[:-1]).transform("max")]


def _of(stand_ins: StandIns, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows on the datasets of the stand-ins; all rows if there are none."""
    datasets = {ours for ours, *_ in stand_ins.networks.values()}
    return frame[frame["dataset"].isin(datasets)] if datasets else frame


def _chosen(frame: pd.DataFrame, best: Mapping[tuple, str]) -> pd.DataFrame:
    """Keeps only the best variant of each search, under the method's plain name."""
    rows = list(frame[ROW].itertuples(index=False, name=None))
    is_kept = pd.Series([best.get(row[:-1], row[-1]) == row[-1] for row in rows], frame.index, dtype=bool)
    return frame.assign(variant=["" if row[:-1] in best else row[-1] for row in rows])[is_kept]


def _prose(folder: Path) -> dict[tuple[Setting, str], float]:
    """(setting, method or "gap") -> Delta_m of Fig. 4 as given in the text, in percent or points."""
    columns = ("figure", "quantity", "value", "dataset", "configuration")
    numbers = read_frame(folder / "prose_numbers.csv", columns, dtype=str, keep_default_na=False)
    found = {}
    for _, row in numbers[numbers["figure"] == "4"].iterrows():
        backbone, architecture, *method = row["configuration"].split(", ")
        architecture = architecture.removesuffix(" modules").replace("vanilla", "Vanilla")
        what = "gap" if row["quantity"].startswith("gap") else method[0]
        found[Setting(row["dataset"], backbone, architecture), what] = float(row["value"])
    return found
