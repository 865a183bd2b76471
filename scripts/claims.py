"""Judges the paper's claims by its own numbers and by ours: `python scripts/claims.py`, `... dataset=rooms`.

With dataset=NAME our runs on that dataset stand in for all others, and those of backbone=NAME for ResNet-18.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl.files import write_whole
from mtl.report.claims.registry import read_claims
from mtl.report.claims.sources import chosen_evidence, paper_evidence
from mtl.report.claims.text import console, markdown, verdicts
from mtl.report.words import read_words

PAPER = Path(__file__).parents[1] / "results" / "paper"


def main(arguments: Sequence[str]) -> None:
    """Prints the verdicts and writes `tables/claims.md` and `summary/claims.csv` into the results folder."""
    words = read_words(arguments, {"dataset": "", "backbone": "", "results": "results", "paper": str(PAPER)})
    results, paper = Path(words["results"]), Path(words["paper"])
    ours = chosen_evidence(results, words["dataset"], words["backbone"])
    found = verdicts(read_claims(paper), paper_evidence(paper), ours)
    print(console(found))
    write_whole(results / "tables" / "claims.md", markdown(found, " ".join(["python scripts/claims.py", *arguments])))
    write_whole(results / "summary" / "claims.csv", found.to_csv(lineterminator="\n"))


if __name__ == "__main__":
    main(sys.argv[1:])
