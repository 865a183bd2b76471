from pathlib import Path

import pandas as pd
import pytest
from fake_runs import PLAIN
from fake_study import study_scores

from mtl.report.names import ROW
from mtl.report.numbers.statistics.study import study_of
from mtl.report.read.scores import paper_scores
from mtl.report.render.statistics import console, page, ranks_caption

VALUES = {"Uniform": (0, 1, 2), "AvgNorm": (5, 6.1, 6.9), "UW": (1, 0, 3), "DWA": (-1, 2, 1), "RLW": (-9, -8.1, -6.9)}
MTAN = PLAIN._replace(architecture="MTAN")


@pytest.fixture(scope="module")
def paper():
    return paper_scores(Path(__file__).parents[3] / "results" / "paper")


@pytest.fixture
def made(paper):
    """The study of these Delta_m, or of frames of scores."""

    def make(*values):
        scores = pd.concat([study_scores(one) if isinstance(one, dict) else one for one in values])
        rows = list(dict.fromkeys(scores[ROW].itertuples(index=False, name=None)))
        return study_of(scores, rows, paper, {})

    return make


def test_page_has_table_figure_and_sentences(made):
    title, table, figure, notes = page(made(VALUES), "../figures/x.png")
    assert title == "## Statistics"
    assert " ".join(table.partition("\n")[0].split()) == (
        "| method | Δm − Uniform | p (Uniform) | Holm (Uniform) | Δm − Single-task | p (Single-task) | "
        "Holm (Single-task) | rank |"
    )
    assert "(../figures/x.png)" in figure
    assert [line.split(":")[0].split(" of ")[0] for line in notes.splitlines()] == [
        *("- Differences", "- Δm compared with Uniform", "- Δm compared with Single-task", "- Ranks"),
        *("- Order by mean Δm on rooms, tiny, Vanilla compared with the paper's (Spearman's ρ; 95 % interval",),
        *("- Power", "- Seeds"),
    ]


def test_cells_are_difference_with_interval_both_p_and_rank(made):
    _, table, *_ = page(made(VALUES), "")
    cells = {
        line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in table.splitlines()
    }
    # differences 5, 5.1, 4.9: t = 5 / (0.1 / sqrt(3)), 4.303 * 0.1 / sqrt(3) = 0.25, p = 0.0001 and 4 times that
    assert cells["AvgNorm"][:3] == ["**+5.00 [+4.75, +5.25]**", "<0.001", "<0.001"]
    assert cells["AvgNorm"][-1] == "1.00"
    assert cells["Uniform"][:3] == ["", "", ""]
    assert cells["UW"][0] == "+0.33 [-2.54, +3.20]"


def test_sentences_name_what_is_significant(made):
    text = "\n".join(console(made(VALUES)))
    assert (
        "Δm compared with Uniform: 2 of 4 differences are significant after Holm's correction (2 without it); "
        "above: AvgNorm; below: RLW." in text
    )
    assert "Ranks of 5 methods over 3 seeds: Friedman's χ² " in text
    assert "critical difference of two mean ranks is 3.52 (5 %): 1 of 10 pairs differ by as much." in text


def test_power_has_three_five_and_the_tables_seeds(made):
    two = {method: values[:2] for method, values in VALUES.items()}
    text = console(made(two))[-1].splitlines()[-1]
    assert [text.count(f"points with {seeds} seeds") for seeds in (2, 3, 4, 5)] == [1, 1, 0, 1]
    assert console(made(VALUES))[-1].count("points with 3 seeds") == 1


def test_console_is_shorter(made):
    title, table, _ = console(made(VALUES))
    assert title == "Statistics"
    assert table.splitlines()[0].split("  ")[0] == "method"
    assert "Single-task" not in table
    assert "+5.00 [+4.75, +5.25]*" in table


def test_rows_of_several_networks_are_told_apart(made):
    found = made(study_scores(VALUES), study_scores({"Uniform": (0, 1, 2), "UW": (5, 6.1, 6.9)}, MTAN))
    assert "above: tiny Vanilla: AvgNorm, tiny MTAN: UW; below: tiny Vanilla: RLW." in "\n".join(console(found))


def test_caption_says_what_the_blocks_are(made):
    found = made(study_scores(VALUES), study_scores(VALUES, MTAN))
    assert ranks_caption(made(VALUES).ranks).startswith("Mean rank by Δm over 3 seeds, 1 is best.")
    assert "over 6 pairs of setting and seed" in ranks_caption(found.ranks)


def test_one_seed_says_nothing(made):
    (line,) = console(made({method: values[:1] for method, values in VALUES.items()}))
    assert line == "Statistics: with one seed nothing can be said about chance. Train two or more: seed=0,1,2."


def test_without_single_task_networks_there_are_no_statistics(made):
    found = made(study_scores(VALUES, single=False))
    assert page(found, "x") == ["## Statistics", console(found)[0]]
    assert "need Δm" in console(found)[0]


def test_without_uniform_the_single_task_networks_are_the_reference(made):
    _, table, _ = console(made({"AvgNorm": (1, 2), "UW": (2, 3.5)}))
    assert table.splitlines()[0].split("  ")[0] == "method"
    assert "Δm − Single-task" in table
    assert "Δm − Uniform" not in table
