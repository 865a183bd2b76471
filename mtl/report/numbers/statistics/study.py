"""The statistics of a table with several seeds."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl.report.names import SINGLE_TASK, Row
from mtl.report.numbers.statistics.agreement import Agreement, agreements
from mtl.report.numbers.statistics.paired import compared, gains_by_seed
from mtl.report.numbers.statistics.ranks import Ranks, ranked

REFERENCES = ("Uniform", SINGLE_TASK)


class Study(NamedTuple):
    """Statistics of a table.

    Args:
        comparisons: Results of `paired.compared` with Uniform and with the single-task networks.
        ranks: Ranks by Delta_m; None with too few methods or blocks.
        agreements: Rank correlations with the paper.
    """

    comparisons: pd.DataFrame
    ranks: Ranks | None
    agreements: list[Agreement]

    def by_delta_m(self, reference: str) -> pd.DataFrame:
        """The comparisons of Delta_m with a reference."""
        found = self.comparisons
        return found[(found["quantity"] == "delta_m") & (found["reference"] == reference)]


def study_of(scores: pd.DataFrame, rows: Sequence[Row], paper: pd.DataFrame, best: Mapping[Row, str]) -> Study:
    """Computes the statistics.

    Args:
        scores: Our scores, with gains.
        rows: The rows of the table, in order.
        paper: The paper's scores.
        best: Setting and method of a search -> its best variant.
    """
    gains = gains_by_seed(scores)
    places = gains.droplevel("seed").index.map({row: place for place, row in enumerate(rows)})
    gains = gains[places.notna()].iloc[np.argsort(places.dropna(), kind="stable")]
    comparisons = pd.concat([compared(gains, reference) for reference in REFERENCES], ignore_index=True)
    return Study(comparisons, ranked(gains["delta_m"]), list(agreements(gains["delta_m"], paper, best)))
