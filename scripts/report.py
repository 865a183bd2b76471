"""Everything in the results folder as one HTML page: `python scripts/report.py`, `... results=DIR dataset=rooms`.

With dataset=NAME the claims are judged as `scripts/claims.py` judges them with it: NAME stands in for every dataset.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mtl.experiment import of_make
from mtl.files import write_whole
from mtl.report.claims.sources import chosen_evidence
from mtl.report.names import DATASETS
from mtl.report.web.page import Made, page
from mtl.report.words import read_words

PAPER = Path(__file__).parents[1] / "results" / "paper"


def main(arguments: Sequence[str]) -> None:
    """Writes `report.html` into the results folder.

    Raises:
        SystemExit: A word is not understood.
    """
    words = read_words(arguments, {"dataset": "", "backbone": "", "results": "results", "paper": str(PAPER)})
    results = Path(words["results"])
    ours = chosen_evidence(results, words["dataset"], words["backbone"])
    command = " ".join(["python scripts/report.py", *arguments])
    about = Made(command, datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"))
    path = results / "report.html"
    write_whole(path, page(results, Path(words["paper"]), ours, about, planned))
    print(f"{path}, {path.stat().st_size / 2**20:.1f} MiB")


def planned(name: str) -> int | None:
    """Networks of a section such as `table2_nyud`; None for a trial, of which only the name is known."""
    experiment, _, dataset = name.partition("_")
    return of_make(experiment, dataset).count() if dataset in DATASETS else None


if __name__ == "__main__":
    main(sys.argv[1:])
