"""Checks the claims of the paper against its own numbers and against ours: `python scripts/claims.py dataset=rooms`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mtl import cli
from mtl.files import write_whole
from mtl.places import PAPER
from mtl.report.claims.registry import read_claims
from mtl.report.claims.sources import our_evidence, paper_evidence, stand_ins_of
from mtl.report.claims.text import console, markdown, verdicts
from mtl.stored_tables import bring_up_to_date

OWN = {
    "dataset": ("", "rooms or camvid: the studies there in place of the paper's datasets"),
    "results": ("results", "folder of the results"),
}


def main(own: Mapping[str, str]) -> None:
    """Prints the verdicts and writes `tables/claims.md` and `summary/claims.csv`, and first tables that lack runs."""
    results, stand_ins = Path(own["results"]), stand_ins_of(own["dataset"])
    if own["dataset"]:
        bring_up_to_date(results, curves=True)
    ours = our_evidence(results / "summary", stand_ins)
    found = verdicts(read_claims(PAPER), paper_evidence(PAPER), ours)
    command = " ".join(["python scripts/claims.py", *sys.argv[1:]])
    write_whole(results / "tables" / "claims.md", markdown(found, command))
    write_whole(results / "summary" / "claims.csv", found.to_csv(lineterminator="\n"))
    print(console(found))


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
