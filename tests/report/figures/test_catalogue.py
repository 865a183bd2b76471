import re

import matplotlib.pyplot as plt
import pytest

from mtl.report.figures.catalogue import FIGURES, figures_of


@pytest.fixture
def draw(run_script, tmp_path):
    """Runs the script on tmp_path; returns exit code, stdout and stderr."""
    return lambda *words: run_script("figures", f"results={tmp_path}", *words)


@pytest.fixture
def with_curves(tmp_path, every_curve):
    """Writes curves into the results folder, including changed hyper-parameters and noisy labels."""
    other = every_curve.assign(variant="c 0.2", operation="Noise", initialization="SAM", source="other")
    (tmp_path / "summary").mkdir()
    every_curve.to_csv(tmp_path / "summary" / "figures_rooms_curves.csv", index=False)
    other.to_csv(tmp_path / "summary" / "table2_rooms_curves.csv", index=False)


def test_every_figure_with_numbers_is_in_the_catalogue():
    assert [*FIGURES] == [1, 4, *range(6, 17)]


def test_figures_that_differ_by_dataset_alone_are_drawn_once_for_a_dataset():
    assert figures_of("") == [*FIGURES]
    assert figures_of("nyud") == [1, 4, 6, 7, 8, 9, 10, 12, 16]
    assert figures_of("pascal_context") == [1, 4, 6, 9, 11, 13, 14, 15, 16]
    assert figures_of("rooms") == [1, 4, 6, 7, 8, 9, 10, 12, 16]
    assert figures_of("rooms_nyud") == figures_of("camvid") == [6, 7, 8, 9, 10, 12, 16]
    assert figures_of("rooms_pascal") == [6, 9, 11, 13, 14, 15, 16]


def test_all_that_can_be_drawn_is_drawn_and_the_rest_is_named(draw, with_curves, tmp_path):
    status, printed, _ = draw("dataset=rooms")
    assert status == 0
    drawn = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert drawn == sorted(f"figure{number}_rooms.png" for number in (6, 7, 8, 9, 10, 12, 16))
    assert re.findall(r"^figure (\d+): no runs on rooms .*make (\S+) DATASET=rooms$", printed, re.M) == [
        ("1", "table4"),
        ("4", "figure4-runs"),
    ]
    assert not plt.get_fignums()


def test_figures_of_a_study_are_drawn_from_its_curves(draw, every_curve, tmp_path):
    (tmp_path / "summary").mkdir()
    curves = every_curve[every_curve["dataset"] == "PASCAL-Context"].assign(dataset="rooms-PASCAL")
    curves.to_csv(tmp_path / "summary" / "study_rooms_pascal_curves.csv", index=False)
    status, printed, _ = draw("dataset=rooms_pascal", "figures=11")
    assert (status, printed) == (0, f"{tmp_path}/figures/figure11_rooms_pascal.png\n")
    assert draw("dataset=rooms_nyud", "figures=10")[2].endswith("CAGrad, NashMTL; train them: make study-rooms\n")


def test_figure_has_the_papers_dataset_and_no_suffix_by_default(draw, with_curves, tmp_path):
    assert draw("figures=7,14") == (0, f"{tmp_path}/figures/figure7.png\n{tmp_path}/figures/figure14.png\n", "")
    assert all((tmp_path / "figures" / f"figure{number}.png").stat().st_size > 20_000 for number in (7, 14))


def test_figure_asked_for_that_cannot_be_drawn_is_an_error(draw):
    status, _, line = draw("figures=8")
    assert status == 1
    assert line.startswith(
        "error: figure 8: no runs on NYUD-v2 for Uniform, Grid Search, CAGrad, NashMTL; train them: "
    )


def test_empty_results_draw_nothing_and_say_so(draw, tmp_path):
    status, printed, _ = draw()
    assert (status, len(printed.splitlines())) == (0, len(FIGURES))
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("figure=7", "figure=7: no such word, only figures=..., dataset=..., results=..."),
        ("figures=7,5", "no figure 5: there are 1, 4, 6,"),
        (
            "dataset=replica",
            "no figures of dataset replica: there are nyud, pascal_context, rooms, rooms_nyud, rooms_pascal, camvid",
        ),
        ("results=nowhere", "no folder nowhere"),
    ],
)
def test_word_that_is_not_understood_is_named(draw, word, message):
    status, _, line = draw(word)
    assert status == 1
    assert line.startswith(f"error: {message}")
