"""Writes everything in the results folder to one HTML page: `python scripts/report.py dataset=rooms`."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mtl import cli
from mtl.experiment import of_make
from mtl.files import write_whole
from mtl.report.claims.sources import chosen_evidence
from mtl.report.names import DATASETS
from mtl.report.web.page import Made, page

PAPER = Path(__file__).parents[1] / "results" / "paper"
OWN = {
    "dataset": ("", "judge the claims as scripts/claims.py dataset=... does"),
    "results": ("results", "folder of the results"),
}


def main(own: Mapping[str, str]) -> None:
    """Writes `report.html` to the results folder."""
    results = Path(own["results"])
    ours = chosen_evidence(results, own["dataset"])
    command = " ".join(["python scripts/report.py", *sys.argv[1:]])
    about = Made(command, datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"))
    path = results / "report.html"
    write_whole(path, page(results, PAPER, ours, about, planned))
    print(f"{path}, {path.stat().st_size / 2**20:.1f} MiB")


def planned(name: str) -> int | None:
    """Number of networks in a section such as `table2_nyud`; None for a small trial, which is known by name alone."""
    experiment, _, dataset = name.partition("_")
    return of_make(experiment, dataset).count() if dataset in DATASETS else None


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
