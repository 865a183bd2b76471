"""Everything in the results folder as one HTML page: `python scripts/report.py`, `... results=DIR dataset=rooms`.

With dataset=NAME the claims are judged as `scripts/claims.py` judges them with it: NAME stands in for every dataset.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mtl.files import write_whole
from mtl.report.claims.sources import chosen_evidence
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
    made = Made(command, datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"))
    path = results / "report.html"
    write_whole(path, page(results, Path(words["paper"]), ours, made))
    print(f"{path}, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main(sys.argv[1:])
