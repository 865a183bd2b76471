"""The main results of a table, in a sentence for each network."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from mtl.report.names import BLOCK, ROW, Row
from mtl.report.numbers.grouped import grouped
from mtl.report.numbers.table import LEVEL, best_rows
from mtl.report.read.frame import readable
from mtl.report.render.text import label

SHOWN = ("Uniform", "AvgNorm")  # the methods that the paper compares, in every setting of their network
NUMBERS = ("difference", "low", "high", "holm")


def summed_up(table: pd.DataFrame, statistics: Path) -> list[str]:
    """Delta_m of Uniform, AvgNorm and the best method, and how AvgNorm differs from Uniform.

    Args:
        table: Result of `stored.read_table`.
        statistics: `tables/<experiment>_<dataset>_statistics.csv`; it may be missing.

    Returns:
        A sentence per block of the table that has a Delta_m.
    """
    text = dict.fromkeys([*ROW, "reference", "quantity"], str)
    read = readable(
        [statistics] * statistics.exists(),
        [*text, *NUMBERS],
        NUMBERS,
        dtype=text,
        keep_default_na=False,
        na_values=[""],
    )
    tests = next(iter(read), pd.DataFrame(columns=[*text, *NUMBERS])).fillna(dict.fromkeys(ROW, ""))
    best = best_rows(table, "delta_m", higher_is_better=True)
    known = table[table["ours", "delta_m"].notna()]
    return [sentence for place, block in grouped(known, BLOCK) if (sentence := _sentence(place, block, best, tests))]


def _sentence(place: tuple[str, ...], block: pd.DataFrame, best: set[Row], tests: pd.DataFrame) -> str:
    shown = [row for row in block.index if row[-2] in SHOWN and not row[-1]]
    parts = [f"{label(row)} {_delta_m(block.loc[row])}" for row in shown]
    parts += [
        f"best: {label(row)} {_delta_m(block.loc[row])}" for row in block.index if row in best and row not in shown
    ]
    if not parts:
        return ""
    return f"Δm, {', '.join(place[1:])}: {', '.join(parts)}.{''.join(_differences(place, tests))}"


def _delta_m(line: pd.Series) -> str:
    mean, std = line["ours", "delta_m"], line["std", "delta_m"]
    return f"{mean:+z.2f}{f' ± {std:.2f}' if std > 0 else ''} %"


def _differences(place: tuple[str, ...], tests: pd.DataFrame) -> Iterator[str]:
    """AvgNorm compared with Uniform, after Holm's correction over all methods."""
    own = tests[(tests[BLOCK] == list(place)).all(axis=1) & (tests["method"] == "AvgNorm") & (tests["variant"] == "")]
    own = own[(own["reference"] == "Uniform") & (own["quantity"] == "delta_m")]
    for line in own.dropna(subset="holm").to_dict("records"):
        verdict = "significant" if line["holm"] < LEVEL else "not significant"
        yield (
            f" AvgNorm − Uniform {line['difference']:+z.2f} [{line['low']:+z.2f}, {line['high']:+z.2f}], {verdict} "
            f"after Holm's correction (p {line['holm']:.2g})."
        )
