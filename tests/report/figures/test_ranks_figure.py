import struct

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mtl.report.figures import ranks
from mtl.report.figures.ranks import ranks_figure, stacked


@pytest.mark.parametrize(("count", "critical"), [(20, 9.4), (3, 4.1)])
def test_figure_is_a_png_of_twice_the_width_of_a_readme(count, critical):
    mean = pd.Series([1.0 + place for place in range(count)], [f"Method {place}" for place in range(count)])
    png = ranks_figure(mean, critical, [(0, count - 1)], "caption")
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert width == 1800
    assert height < 1100
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("groups", "levels"),
    [
        ([], []),
        ([(0, 1), (2, 3)], [0, 0]),  # apart
        ([(0, 2), (2, 3)], [0, 1]),  # they share a method
        ([(0, 2), (1, 4), (3, 6), (5, 8)], [0, 1, 0, 1]),
    ],
)
def test_bars_that_touch_are_on_different_levels(groups, levels):
    assert stacked(groups) == levels


def test_labels_neither_overlap_nor_leave_the_figure(monkeypatch):
    figures = []
    monkeypatch.setattr(ranks, "Figure", lambda **options: figures.append(Figure(**options)) or figures[-1])
    probe = "Grid Search (heads raw, semseg 1, depth 1, normals 1, edge 0)"
    names = ["GradNorm (alpha 0.5)", *(f"Method {place}" for place in range(18)), probe]
    ranks_figure(pd.Series([10.0 + place / 100 for place in range(20)], names), 9.4, [(0, 19)], "caption")
    (axes,) = figures[0].axes
    figures[0].draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    whole = figures[0].bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and box.y1 <= whole.y1 for box in boxes)
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    labels = [text.get_text() for text in axes.texts]
    assert "critical difference 9.40" in labels
    assert {"GradNorm (alpha 0.5)", "10.0", "1", "19"} <= set(labels)
    assert probe in [label.replace("\n", " ") for label in labels]
