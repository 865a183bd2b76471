"""The claims with both verdicts, on the console, as Markdown and as CSV."""

from collections import Counter
from textwrap import shorten

import pandas as pd
from tabulate import tabulate

from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import judge
from mtl.report.render.text import markdown_table

NAMES = {"paper": "On the paper's own numbers", "ours": "On ours"}
READING = (
    "Marks: (no) a comparison that does not hold, (open) one that is inside the noise. Ours: paired over seeds, t-test "
    "at 5 %; with one seed only a clear margin decides. The paper's numbers are taken as they are printed, its Delta_m "
    "is recomputed from the cells. GradNorm and DWA are the best of their search. Delta_m, M and gaps are in percent. "
    "Pass rules: results/paper/claims.csv."
)


def verdicts(claims: pd.DataFrame, paper: Evidence, ours: Evidence) -> pd.DataFrame:
    """The claims and, of both kinds of evidence, verdict and quantity.

    Args:
        claims: Result of `read_claims`.
        paper: The paper's numbers.
        ours: Ours.
    """
    columns = {}
    for name, evidence in {"paper": paper, "ours": ours}.items():
        found = [judge(number, evidence) for number in claims.index]
        columns |= {name: [verdict.word for verdict in found]}
        columns |= {f"{name}_quantity": [verdict.quantity for verdict in found]}
    stand_in = f"{ours.stand_in} {ours.backbone}".strip()
    return claims[["group", "claim"]].assign(**columns, dataset=stand_in or "each its own")


def count_lines(found: pd.DataFrame) -> list[str]:
    """How many claims have which verdict, and a warning where another dataset stands in."""
    counts = [f"{title}: {_counted(found[name])}." for name, title in NAMES.items()]
    dataset = found["dataset"].iloc[0]
    warning = f"Ours: {dataset} stands in for every dataset; its numbers say nothing about the paper's."
    return [f"{len(found)} claims.", *counts, *[warning] * (dataset != "each its own")]


def console(found: pd.DataFrame) -> str:
    """Verdicts side by side, and the quantities of ours that were judged."""
    rows = [(number, row["paper"], row["ours"], shorten(row["claim"], 92)) for number, row in found.iterrows()]
    table = tabulate(rows, ("", "paper", "ours", "claim"), "simple")
    said = [f"{number}: {row['ours_quantity']}" for number, row in found.iterrows() if row["ours"] != "not run"]
    return "\n\n".join([" ".join(count_lines(found)), table, *["\n".join(said)] * bool(said)])


def markdown(found: pd.DataFrame, command: str) -> str:
    """The Markdown file.

    Args:
        found: Result of `verdicts`.
        command: What has made it.
    """
    parts = ["# The paper's claims", " ".join(count_lines(found)), READING]
    for group, rows in found.groupby("group", sort=False):
        cells = [
            (number, row["claim"], *(f"**{row[name]}**: {row[f'{name}_quantity']}" for name in NAMES))
            for number, row in rows.iterrows()
        ]
        parts += [f"## {group}", markdown_table(("", "claim", *NAMES.values()), cells)]
    return "\n\n".join([*parts, f"Made by `{command}`."]) + "\n"


def _counted(words: pd.Series) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())
