"""The cost of a network, measured on the tiny run."""

import json

import pytest
from tiny import tiny

from mtl.cli.measure import measure, measure_all, together
from mtl.report.numbers.hours import Cost


def test_cost_of_a_network_that_learns_from_others_is_measured_before_they_exist(tmp_path):
    words = tiny(tmp_path, "weighter=url", "subset=[depth,edge]", "dataset.val.scans=12")
    cost = measure(words, workers=0, processes=1, folder=tmp_path, launch=5.0)
    assert min(cost.step, cost.image, cost.start, cost.save) > 0
    assert (cost.epoch, cost.val, cost.test, cost.launch) == (2, 12, 0, 5.0)
    assert cost.parameters > 100_000


def test_network_that_fails_is_named_and_the_others_are_measured(tmp_path, capsys):
    known = {"workers": 0, "processes": 2}
    jobs = [
        {"file": f"{tmp_path}/costs/{name}.json", "words": tiny(tmp_path, "subset=depth", *words), **known}
        for name, words in {"a": ["recipe.batch_size=3"], "b": []}.items()
    ]
    measure_all(jobs, launch=1.0)
    assert "recipe.batch_size=3: not measured (recipe.batch_size=3 does not divide" in capsys.readouterr().err
    (path,) = tmp_path.glob("costs/*")
    assert path.name == "b.json"
    assert Cost(**json.loads(path.read_text())).epoch == 2  # half a batch in each of two processes


@pytest.mark.parametrize(("workers", "seconds"), [(0, 9.0), (1, 6.0), (2, 3.0), (8, 3.0)])
def test_workers_help_until_the_rest_takes_longer(workers, seconds):
    assert together(3.0, 6.0, workers) == seconds
