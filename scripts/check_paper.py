"""Lists the Delta_m of the paper that do not follow from the cells of their rows: `python scripts/check_paper.py`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl.files import write_whole
from mtl.report.misprints import check, console, markdown, read_tables
from mtl.report.words import read_words

PAPER = Path(__file__).parents[1] / "results" / "paper"


def main(arguments: Sequence[str]) -> None:
    """Prints the list and writes `tables/check_paper.md` into the results folder; words are results= and paper=."""
    words = read_words(arguments, {"results": "results", "paper": str(PAPER)})
    findings = check(read_tables(Path(words["paper"])))
    print(console(findings))
    write_whole(Path(words["results"]) / "tables" / "check_paper.md", markdown(findings))


if __name__ == "__main__":
    main(sys.argv[1:])
