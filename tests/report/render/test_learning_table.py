import pandas as pd
import pytest

from mtl.report.figures.learning import learning_figure
from mtl.report.render.learning import learning_table


@pytest.fixture
def curves():
    """Two seeds; mean mIoU 20, 30, 33 and mean RMSE 1, 0.5, 0.4 after 10, 30 and 40 steps; AvgNorm lacks the second."""
    values = {"semseg": ("miou", True, (19, 29, 32)), "depth": ("rmse", False, (0.9, 0.4, 0.3))}
    lines = [
        {"method": method, "task": task, "metric": metric, "higher_is_better": higher, "seed": seed, "step": step}
        | {"value": value + seed * (2 if task == "semseg" else 0.2)}
        for method in ("Single-task", "AvgNorm")
        for task, (metric, higher, scores) in values.items()
        for seed in (0, 1)
        for step, value in zip((10, 30, 40), scores, strict=True)
        if (method, step) != ("AvgNorm", 30)
    ]
    return pd.DataFrame(lines)


def test_table_has_means_and_what_changed_late(curves):
    assert learning_table(curves[curves["method"] == "Single-task"]).splitlines() == [
        "| method | after step | 10 | 30 | 40 | since 30 |",
        "| --- | --- | --- | --- | --- | --- |",
        "| Single-task | semseg mIoU % ↑ | 20.00 | 30.00 | 33.00 | +10.0 % |",
        "| Single-task | depth RMSE m ↓ | 1.0000 | 0.5000 | 0.4000 | +20.0 % |",
    ]


def test_missing_evaluation_leaves_an_empty_cell(curves):
    assert "| AvgNorm | semseg mIoU % ↑ | 20.00 |  | 33.00 |  |" in learning_table(curves)


def test_single_evaluation_shows_no_change(curves):
    assert learning_table(curves[curves["step"] == 40]).splitlines()[0] == "| method | after step | 40 |"


def test_figure_is_drawn_with_any_number_of_methods(curves):
    one = curves[curves["method"] == "AvgNorm"]
    more = [one.assign(method=f"method {number}") for number in range(9)]
    for drawn in (curves, pd.concat(more)):
        assert learning_figure(drawn, "rooms, tiny").startswith(b"\x89PNG\r\n\x1a\n")
