import math

import pytest
from fake_runs import config_of

from mtl.report.numbers.hours import expected_hours, total

CPU = "cpu (x86_64)"
BOTH = ["semseg", "depth"]


@pytest.fixture
def runs(make_run):
    """Step times in seconds: Uniform 36, 72 and 720, AvgNorm 108, a single-task network 18; 20 steps each."""
    scores = {"semseg": 40, "depth": 0.5}
    runs = [make_run("uniform", scores, seed=seed, step_seconds=time) for seed, time in enumerate([36, 720, 72])]
    runs.append(make_run("avgnorm", scores, step_seconds=108))
    runs.append(make_run("uniform", {"depth": 0.5}, step_seconds=18))
    return runs


def hours(runs, config, steps=100, device=CPU):
    return expected_hours(config, steps, runs, device)


def test_step_time_is_the_median_over_runs_of_the_weighter(runs):
    assert hours(runs, config_of("uniform", BOTH)) == pytest.approx(2)  # 100 steps of 72 s
    assert hours(runs, config_of("avgnorm", BOTH)) == pytest.approx(3)


def test_median_of_two_is_their_mean(runs):
    assert hours(runs[::2][:2], config_of("uniform", BOTH)) == pytest.approx(1.5)  # 36 s and 72 s


def test_unknown_weighter_is_judged_by_all_others_of_the_network(runs):
    assert hours(runs, config_of("mgda", BOTH)) == pytest.approx(2.5)  # 36, 72, 108 and 720 s: 90 s


def test_single_task_network_is_timed_by_single_task_runs(runs):
    assert hours(runs, config_of("uniform", ["semseg"])) == pytest.approx(0.5)


def test_unset_steps_are_the_median_of_the_runs(runs):
    assert hours(runs, config_of("avgnorm", BOTH), steps=None) == pytest.approx(0.6)  # 20 steps


@pytest.mark.parametrize(
    "changed",
    [
        {"backbone": {"name": "other"}},
        {"model": {"name": "mtan"}},
        {"dataset": {"name": "nyud"}},
        {"dataset": {"name": "rooms", "train": {"height": 448}}},
        {"recipe": {"steps": 20, "batch_size": 4}},
    ],
)
def test_other_networks_and_image_sizes_are_ignored(runs, changed):
    assert math.isnan(hours(runs, config_of("uniform", BOTH) | changed))


def test_other_devices_are_ignored(runs):
    assert math.isnan(hours(runs, config_of("uniform", BOTH), device="cuda (A)"))


def test_runs_without_step_time_are_ignored(make_run):
    run = make_run("uniform", {"semseg": 40, "depth": 0.5}, step_seconds=None)
    assert math.isnan(hours([run], config_of("uniform", BOTH)))


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ([1.0, 0.25], "about 1.25 hours of training steps"),
        (
            [1.0, math.nan],
            "about 1 hours of training steps "
            "and 1 of them without an estimate: no similar run was timed on this device",
        ),
        ([math.nan, math.nan], "2 of them without an estimate: no similar run was timed on this device"),
    ],
)
def test_total_counts_runs_that_cannot_be_estimated(known, text):
    assert total(known) == text
