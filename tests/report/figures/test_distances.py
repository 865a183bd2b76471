import pytest
from fake_figures import TASKS

from mtl.report.figures.distances import draw_distances
from mtl.report.figures.gradients import METHODS
from mtl.report.figures.sources import MissingRunsError


def test_distances_have_a_panel_per_task_and_a_line_per_method(make_sources, every_curve):
    figure = draw_distances(make_sources(curves=every_curve), ["NYUD-v2"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(TASKS["NYUD-v2"])
    for place, axes in enumerate(figure.axes, 1):
        assert [line.get_label() for line in axes.lines] == list(METHODS)
        assert axes.lines[0].get_ydata().tolist() == [1.5 * place, 3 * place]


def test_every_dataset_has_a_row(make_sources, every_curve):
    figure = draw_distances(make_sources(curves=every_curve), ["NYUD-v2", "PASCAL-Context"])
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 4 + 5
    assert [axes.get_ylabel() for axes in shown if axes.get_ylabel()] == [
        "squared distance\nNYUD-v2",
        "squared distance\nPASCAL-Context",
    ]


def test_dataset_without_runs_is_left_out(make_sources, every_curve):
    curves = every_curve[every_curve["dataset"] == "PASCAL-Context"]
    figure = draw_distances(make_sources(curves=curves), ["NYUD-v2", "PASCAL-Context"])
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["squared distance\nPASCAL-Context"]


def test_without_any_runs_the_first_dataset_is_to_train(make_sources):
    with pytest.raises(MissingRunsError, match="DATASET=nyud"):
        draw_distances(make_sources(), ["NYUD-v2", "PASCAL-Context"])
