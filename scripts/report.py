"""Writes everything in the results folder to one HTML page: `python scripts/report.py dataset=rooms`."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mtl import cli
from mtl.files import write_whole
from mtl.places import PAPER
from mtl.report.claims.sources import our_evidence, stand_ins_of
from mtl.report.web.page import Made, page
from mtl.stored_tables import bring_up_to_date, planned

OWN = {
    "dataset": ("", "judge the claims as scripts/claims.py dataset=... does"),
    "results": ("results", "folder of the results"),
}


def main(own: Mapping[str, str]) -> None:
    """Writes `report.html` to the results folder, and first the tables that lack runs with a record."""
    results, stand_ins = Path(own["results"]), stand_ins_of(own["dataset"])
    bring_up_to_date(results, curves=bool(own["dataset"]))
    ours = our_evidence(results / "summary", stand_ins)
    command = " ".join(["python scripts/report.py", *sys.argv[1:]])
    about = Made(command, datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"))
    path = results / "report.html"
    write_whole(path, page(results, PAPER, ours, about, planned))
    print(f"{path}, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
