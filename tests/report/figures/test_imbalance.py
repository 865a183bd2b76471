import struct

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from mtl.report.figures.imbalance import curves, draw_curves, draw_gains, imbalance_figure
from mtl.report.numbers.gains import with_gains
from mtl.report.read.scores import our_scores
from mtl.report.read.summary import summary


def gains(runs):
    found = with_gains(our_scores([summary(runs)]))
    return found[found["method"] != "Single-task"]


def is_png(png):
    width, height = struct.unpack(">II", png[16:24])
    return png.startswith(b"\x89PNG\r\n\x1a\n") and width == 1800 and 1000 < height < 1800 and len(png) > 20_000


def test_figure_is_a_png_of_twice_the_width_of_a_readme(two_seeds):
    assert is_png(imbalance_figure(two_seeds, gains(two_seeds)))
    assert not plt.get_fignums()


def test_figure_is_drawn_without_baselines_and_with_one_seed(two_seeds):
    runs = [run for run in two_seeds if len(run.tasks) > 1 and run.seed == 0]
    assert is_png(imbalance_figure(runs, gains(runs)))


@pytest.mark.parametrize("missing", ["uniform", "avgnorm"])
def test_figure_waits_for_both_of_its_methods(two_seeds, missing):
    runs = [run for run in two_seeds if run.weighter != missing or len(run.tasks) == 1]
    assert imbalance_figure(runs, gains(runs)) is None


def test_line_is_the_geometric_mean_and_the_band_the_range(two_seeds):
    first, second = (run for run in two_seeds if run.weighter == "avgnorm")
    file = second.folder / "gradients.csv"
    file.write_text(file.read_text().replace("2.0", "8.0"))
    line = curves([first, second], "gradient/weighted_norm")["depth"]
    assert line.loc[11].to_dict() == pytest.approx({"mean": 4, "low": 2, "high": 8})


def test_zero_norm_is_a_gap(two_seeds):
    run = two_seeds[-1]
    file = run.folder / "gradients.csv"
    file.write_text(file.read_text().replace("2.0", "0.0", 1))
    line = curves([run], "gradient/weighted_norm")["semseg"]
    assert line["mean"].isna().tolist() == [True, False, False]


def test_coinciding_lines_are_dashed_in_each_others_gaps(two_seeds):
    axes = Figure().subplots()
    draw_curves(axes, curves([two_seeds[-1]], "gradient/weighted_norm"), interlaced=True)
    offsets, patterns = zip(*(line._unscaled_dash_pattern for line in axes.lines), strict=True)
    assert offsets == (0, 3)
    assert patterns == ((3, 3), (3, 3))


def test_bars_are_the_gains_in_the_colours_of_the_tasks(two_seeds):
    axes = Figure().subplots()
    scores = gains(two_seeds)
    draw_gains(axes, scores[scores["method"] != "Single-task"])
    # Uniform -5 and -10, Grid Search 7.5 and 2, AvgNorm 5 and 0 in semseg; then depth
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([-7.5, 4.75, 2.5, 2.5, -1, 15])
    assert axes.get_xticklabels()[0].get_text() == "Uniform\nΔm −2.5 %"
    assert axes.texts[0].get_text() == "−8"  # mean of -5 and -10
