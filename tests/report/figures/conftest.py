import pandas as pd
import pytest
from fake_figures import METHODS, TASKS, curve_lines, curves_frame, results_frame

from mtl.report.figures.sources import PROSE, Sources


@pytest.fixture
def make_sources():
    """Sources with the given frames; the others are empty."""

    def make(paper=None, prose=None, ours=None, curves=None):
        empty = {"paper": results_frame(), "prose": pd.DataFrame(columns=PROSE), "ours": results_frame()}
        given = {"paper": paper, "prose": prose, "ours": ours, "curves": curves}
        return Sources(**(empty | {"curves": curves_frame()} | {k: v for k, v in given.items() if v is not None}))

    return make


@pytest.fixture
def every_curve():
    """Curves of every method at two seeds and of single-task networks, on all datasets."""
    runs = [
        curve_lines(dataset, method, tasks, seed=seed)
        for dataset, tasks in TASKS.items()
        for method in METHODS
        for seed in (0, 1)
    ]
    single = [curve_lines(dataset, "Single-task", [task]) for dataset, tasks in TASKS.items() for task in tasks]
    return curves_frame(*runs, *single)
