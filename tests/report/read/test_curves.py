import pandas as pd
import pytest
from fake_runs import PLAIN

from mtl.report.read.curves import COLUMNS, read_curves, windowed


@pytest.fixture
def make_logged(make_run):
    """A run with a number of steps and a log: key -> step -> value."""

    def make(steps, seed=0, **logged):
        run = make_run("uniform", {"semseg": 40, "depth": 0.5}, seed=seed, steps=steps)
        frame = pd.DataFrame(logged).rename(columns=lambda key: f"gradient/norm/{key}").rename_axis("step")
        frame.reset_index().to_csv(run.folder / "gradients.csv", index=False)
        return run

    return make


def every(distance, steps):
    """Step -> its own number, at steps 1, 1 + distance, ..."""
    return {step: float(step) for step in range(1, steps + 1, distance)}


def points(curves):
    return list(zip(curves["step"], curves["value"], curves["count"], strict=True))


def test_windows_of_every_step_begin_at_step_one(make_logged):
    curves = windowed([make_logged(6, depth=every(1, 6))], 3)
    assert points(curves) == [(3, 2, 3), (6, 5, 3)]  # steps 1 to 3 and 4 to 6


def test_windows_of_every_tenth_step_begin_at_step_one(make_logged):
    curves = windowed([make_logged(40, depth=every(10, 40))], 20)
    assert points(curves) == [(20, 6, 2), (40, 26, 2)]  # steps 1 and 11, then 21 and 31


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (5, [(4, 2.5, 4)]),  # a quarter of a window is left
        (6, [(4, 2.5, 4), (6, 5.5, 2)]),  # half of it
        (8, [(4, 2.5, 4), (8, 6.5, 4)]),
    ],
)
def test_remainder_shorter_than_half_a_window_is_left_out(make_logged, steps, expected):
    assert points(windowed([make_logged(steps, depth=every(1, steps))], 4)) == expected


def test_run_shorter_than_half_a_window_has_no_curves(make_logged):
    curves = windowed([make_logged(4, depth=every(1, 4))], 100)
    assert curves.columns.tolist() == COLUMNS
    assert curves.empty


def test_window_in_which_nothing_was_logged_has_no_point(make_logged):
    run = make_logged(4, depth={1: 3.0, 2: 5.0, 3: None, 4: None}, semseg={1: None, 2: 1.0, 3: 2.0, 4: 4.0})
    curves = windowed([run], 2)
    assert points(curves[curves["key"] == "gradient/norm/depth"]) == [(2, 4, 2)]
    assert points(curves[curves["key"] == "gradient/norm/semseg"]) == [(2, 1, 1), (4, 3, 2)]


def test_curves_have_setting_method_and_source(make_logged):
    runs = [make_logged(2, seed=seed, depth=every(1, 2)) for seed in (0, 1)]
    name = runs[0].folder.parent.name
    curves = windowed(runs, 2, {name: "alpha 0.5"})
    assert curves.columns.tolist() == COLUMNS
    assert tuple(curves.loc[1, COLUMNS[:5]]) == PLAIN
    assert curves["method"].tolist() == ["Uniform", "Uniform"]
    assert curves["variant"].tolist() == ["alpha 0.5", "alpha 0.5"]
    assert curves["seed"].tolist() == [0, 1]
    assert curves["source"].tolist() == [f"{name}/seed0", f"{name}/seed1"]


def test_runs_without_a_log_have_no_curves(make_logged):
    runs = [make_logged(2, seed=seed, depth=every(1, 2)) for seed in (0, 1)]
    (runs[0].folder / "gradients.csv").unlink()
    assert windowed(runs, 2)["seed"].tolist() == [1]
    assert windowed(runs[:1], 2).empty
    assert windowed([], 2).columns.tolist() == COLUMNS


def test_numbers_stay_numbers_so_that_a_file_can_round_them(make_logged):
    runs = [make_logged(3, seed=seed, depth={1: 1.0, 2: 0.0, 3: 0.0}) for seed in (0, 1)]
    (runs[0].folder / "gradients.csv").unlink()
    lines = windowed(runs, 3).to_csv(index=False, float_format="%.5g").splitlines()
    assert lines[1].endswith(",gradient/norm/depth,3,0.33333,3")


def test_curves_are_read_back_equal(make_logged, tmp_path):
    curves = windowed([make_logged(6, depth=every(1, 6), semseg=every(2, 6))], 3)
    curves.to_csv(tmp_path / "figures_rooms_curves.csv", index=False)
    curves.to_csv(tmp_path / "table2_rooms_curves.csv", index=False)  # a curve in two files counts once
    (tmp_path / "table2_rooms.csv").write_text("run\nother\n")
    found = read_curves(tmp_path)
    pd.testing.assert_frame_equal(found, curves, check_dtype=False)
    assert set(found["initialization"]) == set(found["operation"]) == set(found["variant"]) == {""}
    assert found["value"].dtype == curves["value"].dtype == float


def test_folder_without_curves_has_none(make_logged, tmp_path):
    assert read_curves(tmp_path).columns.tolist() == COLUMNS
    windowed([make_logged(4, depth=every(1, 4))], 100).to_csv(tmp_path / "a_curves.csv", index=False)
    assert read_curves(tmp_path).empty
