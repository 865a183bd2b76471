"""Lists the values of Delta_m printed in the paper that do not follow from their rows: `make check-paper`."""

from collections.abc import Mapping
from pathlib import Path

from mtl import cli
from mtl.files import write_whole
from mtl.places import PAPER
from mtl.report.misprints import check, console, markdown, read_tables

OWN = {"results": ("results", "folder of the results")}


def main(own: Mapping[str, str]) -> None:
    """Prints the list and writes it to `tables/check_paper.md` in the results folder."""
    findings = check(read_tables(PAPER))
    write_whole(Path(own["results"]) / "tables" / "check_paper.md", markdown(findings))
    print(console(findings))


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
