import math
from dataclasses import asdict, replace

import pytest
from fake_runs import config_of

from mtl.files import read_json, write_json
from mtl.report.numbers.hours import Cost, cost_of, duration, median_costs, network_key, read_cost
from mtl.report.read.runs import Run

CPU = "cpu (x86_64)"
BOTH = {"semseg": 40, "depth": 0.5}
COST = Cost(step=2, image=0.5, start=10, save=1, launch=5, epoch=40, val=20, test=0, parameters=1234, memory_mib=100)


def config(**changed):
    base = config_of("uniform", list(BOTH))
    base["recipe"] |= {"evaluate": "end"}
    return base | {key: base[key] | value for key, value in changed.items()}


@pytest.mark.parametrize(
    ("recipe", "epochs", "evaluations", "steps"),
    [
        ({"steps": 100, "evaluate": "end"}, None, 1, 100),
        ({"steps": 100, "evaluate": 30}, None, 4, 100),  # after 30, 60, 90 and the last step
        ({"steps": 100, "evaluate": "epoch"}, None, 3, 100),
        ({"steps": None, "evaluate": "epoch"}, 3, 3, 120),
    ],
)
def test_steps_evaluations_and_the_start_add_up(recipe, epochs, evaluations, steps):
    expected = 10 + 2 * steps + evaluations * (1 + 20 * 0.5)
    assert COST.seconds(config(recipe=recipe, dataset={"epochs": epochs})) == expected


def test_test_split_is_scored_twice():
    scored = Cost(**(vars(COST) | {"test": 6}))
    assert scored.seconds(config()) == COST.seconds(config()) + 2 * 6 * 0.5


@pytest.fixture
def trained(make_run):
    """A run of 20 steps and one evaluation with round seconds."""

    def make(weighter="uniform", seed=0, step=2.0, **more):
        seconds = {"training": 15 * step, "data": 5 * step, "evaluation": 4, "scoring": 6, "other": 10}
        data = {"train": {"images": 320}, "val": {"images": 20}}
        own = config(weighter=config_of(weighter, [])["weighter"])
        run = make_run(weighter, BOTH, seed=seed, config=own, data=data, **more)
        return Run(run.folder, run.record | {"seconds": seconds})

    return make


def test_cost_of_a_run_gives_its_seconds_again(trained):
    cost = cost_of(run := trained())
    assert (cost.step, cost.image, cost.epoch, cost.val) == (2, 0.5, 40, 20)
    assert cost.seconds(run.config) == sum(run.record["seconds"].values())
    assert cost.seconds(config(recipe={"steps": 40})) == 60 + 2 * 20


def test_cost_that_was_written_is_read_again(tmp_path):
    """Outside Linux the memory of a process is not known."""
    for cost in (COST, replace(COST, memory_mib=math.nan)):
        write_json(tmp_path / "cost.json", asdict(cost))
        assert str(read_cost(read_json(tmp_path / "cost.json"))) == str(cost)


def test_record_without_seconds_has_no_cost(make_run):
    assert cost_of(make_run("uniform", BOTH)) is None


def test_median_is_over_runs_of_the_network_on_the_device(trained):
    runs = [trained(seed=seed, step=step) for seed, step in enumerate([2, 30, 3])]
    runs += [trained("avgnorm", step=50), trained(seed=3, step=70, device="cuda (A)"), trained(seed=4, processes=2)]
    costs = median_costs(runs, CPU, 1)
    assert len(costs) == 2
    assert costs[network_key(config())].step == 3
    assert costs[network_key(runs[3].config)].step == 50


@pytest.mark.parametrize(
    "changed",
    [
        {"recipe": {"steps": 7, "optimizer": {"lr": 1}}},
        {"dataset": {"operations": {"noise": {"mode": "pixel"}}}},
        {"backbone": {"name": "other", "encoder": {"pretrained": True, "checkpoint": "x"}}},
        {"weighter": {"name": "best", "method": {"_target_": "mtl.weighters.uniform", "alpha": 0.5}}},
    ],
)
def test_what_costs_the_same_is_the_same_network(changed):
    base = config(
        backbone={"encoder": {"pretrained": False}},
        weighter={"method": {"_target_": "mtl.weighters.uniform", "alpha": 1}},
    )
    assert network_key(base) == network_key(base | {key: base[key] | value for key, value in changed.items()})


@pytest.mark.parametrize(
    "changed",
    [
        {"recipe": {"batch_size": 4}},
        {"recipe": {"precision": "bfloat16"}},
        {"dataset": {"train": {"height": 448}}},
        {"backbone": {"encoder": {"depth": 50}}},
        {"model": {"name": "mtan"}},
        {"weighter": {"scope": "shared"}},
    ],
)
def test_what_costs_more_is_another_network(changed):
    assert network_key(config()) != network_key(config(**changed))


def test_fewer_images_make_another_network_where_the_length_is_in_epochs():
    keys = [
        network_key(config(recipe={"steps": None}, dataset={"operations": {"sampling": {"word": word}}}))
        for word in ("full", "half_scans")
    ]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("seconds", "at_a_time", "expected"), [([3, 1, 2], 1, 6), ([3, 1, 2], 2, 3), ([3, 1, 2, 4], 2, 7), ([5], 4, 5)]
)
def test_jobs_start_when_a_place_is_free(seconds, at_a_time, expected):
    assert duration(seconds, at_a_time) == expected
