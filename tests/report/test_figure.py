import struct

import matplotlib.pyplot as plt
import pytest
from fake_runs import config_of
from matplotlib.figure import Figure

from mtl.report.bars import draw_gains
from mtl.report.comparison import compare
from mtl.report.curves import curves, draw_curves
from mtl.report.figure import imbalance_figure
from mtl.report.scores import over_seeds
from mtl.report.style import COLOURS, signed, spread

BOTH = config_of("uniform", ["semseg", "depth"])


def gains(runs):
    comparison = compare(runs, BOTH)
    mean, std = over_seeds(comparison)
    return comparison, mean.drop("Single-task", errors="ignore"), std.drop("Single-task", errors="ignore")


def is_png(png):
    width, height = struct.unpack(">II", png[16:24])
    return png.startswith(b"\x89PNG\r\n\x1a\n") and width == 1800 and 1000 < height < 1800 and len(png) > 20_000


def test_figure_is_a_png_of_twice_the_width_of_a_readme(two_seeds):
    comparison, mean, std = gains(two_seeds)
    uniform, avgnorm = ([*comparison.methods[label].values()] for label in ("Uniform", "AvgNorm"))
    assert is_png(imbalance_figure(uniform, avgnorm, mean, std))
    assert not plt.get_fignums()


def test_figure_is_drawn_without_baselines_and_with_one_seed(two_seeds):
    comparison, mean, std = gains([run for run in two_seeds if len(run.tasks) > 1 and run.seed == 0])
    uniform, avgnorm = ([*comparison.methods[label].values()] for label in ("Uniform", "AvgNorm"))
    assert is_png(imbalance_figure(uniform, avgnorm, mean, std))


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
    _, mean, std = gains(two_seeds)
    axes = Figure().subplots()
    draw_gains(axes, mean, std)
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(mean["gain"].to_numpy().T.ravel().tolist())
    assert axes.get_xticklabels()[0].get_text() == "Uniform\nΔm −2.5 %"
    assert axes.texts[0].get_text() == "−8"  # mean of -5 and -10


def test_every_task_has_its_own_colour():
    assert list(COLOURS)[:6] == ["semseg", "human_parts", "depth", "normals", "saliency", "edge"]
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_close_names_are_spread_around_their_middle():
    assert spread([0.1, 0.5, 0.5, 0.9], 0.2) == pytest.approx([0.1, 0.4, 0.6, 0.9])
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.2, 0.8], 0.1) == pytest.approx([0.2, 0.8])


def test_names_stay_beside_the_axes():
    assert spread([0.95, 0.95, 0.95], 0.1) == pytest.approx([0.8, 0.9, 1.0])
    assert spread([-0.2, 0.02], 0.1) == pytest.approx([0.0, 0.1])


def test_number_in_print_has_a_minus_and_zero_has_no_sign():
    assert [signed(value, 1) for value in (2.34, -1.25, 0.04, -0.04)] == ["+2.3", "−1.2", "0.0", "0.0"]
