"""Judges the paper's claims by its own numbers and by ours: `python scripts/claims.py`, `... dataset=rooms`.

With dataset=NAME our runs on that dataset stand in for all others, and those of backbone=NAME for ResNet-18.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl.files import write_whole
from mtl.report.claims.page import console, page, verdicts
from mtl.report.claims.registry import read_claims
from mtl.report.claims.sources import our_evidence, paper_evidence
from mtl.report.names import BACKBONES, DATASETS
from mtl.report.words import read_words

PAPER = Path(__file__).parents[1] / "results" / "paper"
SMALL = {"rooms": "resnet_narrow"}  # backbone of experiment=small


def main(arguments: Sequence[str]) -> None:
    """Prints the verdicts and writes `tables/claims.md` and `summary/claims.csv` into the results folder."""
    words = read_words(arguments, {"dataset": "", "backbone": "", "results": "results", "paper": str(PAPER)})
    if words["dataset"] not in ("", *DATASETS):
        raise SystemExit(f"dataset={words['dataset']}: known datasets are {', '.join(DATASETS)}")
    backbone = words["backbone"] or SMALL.get(words["dataset"], "")
    results, paper = Path(words["results"]), Path(words["paper"])
    ours = our_evidence(
        results / "summary", DATASETS.get(words["dataset"], ""), BACKBONES.get(backbone, (backbone, ""))[0]
    )
    found = verdicts(read_claims(paper), paper_evidence(paper), ours)
    print(console(found))
    write_whole(results / "tables" / "claims.md", page(found, " ".join(["python scripts/claims.py", *arguments])))
    write_whole(results / "summary" / "claims.csv", found.to_csv(lineterminator="\n"))


if __name__ == "__main__":
    main(sys.argv[1:])
