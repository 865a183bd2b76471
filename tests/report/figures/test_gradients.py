import pytest
from fake_figures import TASKS

from mtl.report.figures.gradients import (
    METHODS,
    draw_alignments,
    draw_avgnorm_alignments,
    draw_cosines,
    draw_dots,
    draw_norms,
    draw_single_task_norms,
)
from mtl.report.render.style import COLOURS, spelled


def drawn(axes):
    """Name -> y-values of the lines of a panel."""
    return {line.get_label(): line.get_ydata().tolist() for line in axes.lines if not line.get_label().startswith("_")}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_alignments_have_a_panel_per_method_and_a_line_per_task(make_sources, every_curve):
    figure = draw_alignments(make_sources(curves=every_curve), ["PASCAL-Context"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(METHODS)
    tasks = TASKS["PASCAL-Context"]
    for axes in figure.axes:  # over the seeds 0 and 1
        assert drawn(axes) == {spelled(task): [1.5 * place, 3 * place] for place, task in enumerate(tasks, 1)}
        lines = [line for line in axes.lines if not line.get_label().startswith("_")]
        assert [line.get_color() for line in lines] == [COLOURS[task] for task in tasks]
        assert lines[0].get_xdata().tolist() == [10, 20]


def test_band_is_the_range_of_the_seeds(make_sources, every_curve):
    figure = draw_alignments(make_sources(curves=every_curve), ["NYUD-v2"])
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band.tolist()} == {(10, 1), (10, 2), (20, 2), (20, 4)}


@pytest.mark.parametrize(("dataset", "root", "height"), [("NYUD-v2", "1/√4", 0.5), ("PASCAL-Context", "1/√5", 0.4472)])
def test_alignments_have_the_level_of_orthogonal_gradients(make_sources, every_curve, dataset, root, height):
    figure = draw_alignments(make_sources(curves=every_curve), [dataset])
    assert all(axes.lines[-1].get_ydata()[0] == pytest.approx(height, abs=1e-4) for axes in figure.axes)
    assert legend(figure) == [*map(spelled, TASKS[dataset]), f"{root}: orthogonal gradients of equal norm"]


def test_avgnorm_has_a_figure_of_its_own(make_sources, every_curve):
    figure = draw_avgnorm_alignments(make_sources(curves=every_curve), ["NYUD-v2"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["AvgNorm"]
    assert figure.axes[0].get_ylim() == (0, 1)


def test_norms_are_above_weighted_norms_on_a_log_scale(make_sources, every_curve):
    weighted = every_curve["key"].str.startswith("gradient/weighted_norm")
    every_curve.loc[weighted, "value"] *= 10
    figure = draw_norms(make_sources(curves=every_curve), ["NYUD-v2"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [*METHODS, *METHODS]
    assert [figure.axes[place].get_ylabel() for place in (0, 4)] == ["gradient norm", "weighted gradient norm"]
    assert drawn(figure.axes[0])["depth"] == [3, 6]
    assert drawn(figure.axes[4])["depth"] == [30, 60]
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}


def test_single_task_norms_are_next_to_those_of_uniform(make_sources, every_curve):
    single = every_curve["method"] == "Single-task"
    every_curve.loc[single, "value"] = 7
    figure = draw_single_task_norms(make_sources(curves=every_curve), ["PASCAL-Context"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Single-task (seed 0)", "Uniform"]
    assert drawn(figure.axes[0]) == {spelled(task): [7, 7] for task in TASKS["PASCAL-Context"]}
    assert drawn(figure.axes[1])["edge"] == [7.5, 15]
    assert "seeds 0, 1: mean and range; windows of 10 steps" in figure.get_supxlabel().replace("\n", " ")


@pytest.mark.parametrize("draw", [draw_cosines, draw_dots])
@pytest.mark.parametrize(("dataset", "columns", "count"), [("NYUD-v2", 3, 6), ("PASCAL-Context", 5, 10)])
def test_every_pair_has_a_panel_with_a_line_per_method(make_sources, every_curve, draw, dataset, columns, count):
    figure = draw(make_sources(curves=every_curve), [dataset])
    assert len(figure.axes) == count
    assert figure.axes[0].get_subplotspec().get_gridspec().ncols == columns
    assert len({axes.get_title(loc="left") for axes in figure.axes}) == count
    for axes in figure.axes:
        *lines, zero = axes.lines
        assert [line.get_label() for line in lines] == list(METHODS)
        assert len({line.get_color() for line in lines}) == len(METHODS)
        assert zero.get_ydata()[0] == 0
    assert legend(figure) == list(METHODS)


def test_pair_is_named_and_placed(make_sources, every_curve):
    figure = draw_cosines(make_sources(curves=every_curve), ["NYUD-v2"])
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == "semseg –\nedge")
    assert axes.lines[0].get_ydata().tolist() == [-2.25, -4.5]  # half of 1 - 4, seeds 0 and 1


def test_dot_products_keep_their_sign_on_a_log_scale(make_sources, every_curve):
    figure = draw_dots(make_sources(curves=every_curve), ["NYUD-v2"])
    assert {axes.get_yscale() for axes in figure.axes} == {"symlog"}
    assert {axes.get_ylim() for axes in figure.axes} == {figure.axes[0].get_ylim()}
    low, high = figure.axes[0].get_ylim()
    assert low < -4.5 < 0 < high
