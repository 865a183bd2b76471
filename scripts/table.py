"""Makes the table of an experiment from its finished runs: `python scripts/table.py experiment=demo`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl import build
from mtl.files import write_whole
from mtl.report.command import report_name
from mtl.report.comparison import compare
from mtl.report.page import missing_runs, notes, page
from mtl.report.runs import finished_runs
from mtl.report.summary import summary
from mtl.report.table import console, headings, stacked, table


def main(overrides: Sequence[str]) -> None:
    """Prints the table and writes `tables/<experiment>.md` and `summary/<experiment>.csv` into the results folder."""
    cfg = build.compose(overrides)
    results, config = Path(cfg.results), build.science(cfg)
    name = report_name(overrides, config)
    comparison = compare(finished_runs(results), config)
    cells = table(comparison)
    titles = headings(comparison, cells.columns)
    parts = [console(part, titles) for part in stacked(cells, titles)]
    print("\n\n".join([*parts, "\n".join([*notes(comparison), *missing_runs(comparison, overrides)])]))
    write_whole(results / "tables" / f"{name}.md", page(comparison, name, overrides))
    write_whole(results / "summary" / f"{name}.csv", summary(comparison.runs).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    main(sys.argv[1:])
