import pytest

from mtl.report.figures.gradients import METHODS
from mtl.report.figures.pairs import draw_cosines, draw_dots
from mtl.report.render.style import COLOURS


@pytest.mark.parametrize("draw", [draw_cosines, draw_dots])
@pytest.mark.parametrize(("dataset", "count"), [("NYUD-v2", 6), ("PASCAL-Context", 10)])
def test_every_pair_is_a_line_of_both_colours(make_sources, every_curve, draw, dataset, count):
    figure = draw(make_sources(curves=every_curve), [dataset])
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(METHODS)
    for axes in figure.axes:
        *lines, zero = axes.lines
        assert len(lines) == 2 * count
        assert zero.get_ydata()[0] == 0
        colours = [tuple(line.get_color() for line in lines[start : start + 2]) for start in range(0, len(lines), 2)]
        assert len(set(colours)) == count
    assert len(figure.legends[0].get_texts()) == count


def test_pair_is_named_coloured_and_placed(make_sources, every_curve):
    figure = draw_cosines(make_sources(curves=every_curve), ["NYUD-v2"])
    solid, dashed = figure.axes[0].lines[4:6]
    assert solid.get_label() == "semseg–edge"
    assert (solid.get_color(), dashed.get_color()) == (COLOURS["semseg"], COLOURS["edge"])
    assert solid.get_ydata().tolist() == dashed.get_ydata().tolist() == [-2.25, -4.5]  # half of 1 - 4, seeds 0 and 1


def test_dot_products_keep_their_sign_on_a_log_scale(make_sources, every_curve):
    figure = draw_dots(make_sources(curves=every_curve), ["NYUD-v2"])
    assert {axes.get_yscale() for axes in figure.axes} == {"symlog"}
    assert {axes.get_ylim() for axes in figure.axes} == {figure.axes[0].get_ylim()}
    low, high = figure.axes[0].get_ylim()
    assert low < -4.5 < 0 < high
