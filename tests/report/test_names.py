from pathlib import Path

import pytest

from mtl.report.names import DATASETS, METHODS, VALIDATED_APART, chosen_on, method_label, notation, primary

CONFIGS = Path(__file__).parents[2] / "configs"
WEIGHTERS = sorted((CONFIGS / "weighter").glob("*.yaml"))


@pytest.mark.parametrize("path", WEIGHTERS, ids=lambda path: path.stem)
def test_every_weighter_has_a_name_in_print(path):
    assert path.stem in METHODS


def test_unknown_weighter_keeps_its_name():
    assert method_label("avgnorm") == "AvgNorm"
    assert method_label("ours") == "ours"


def test_metric_is_written_in_the_unit_of_its_task():
    assert notation("depth", "rmse") == ("RMSE", "m", 4, False)
    assert notation("disparity", "rmse") == ("RMSE", "1/m", 4, False)


def test_metric_or_task_that_nobody_has_named_goes_by_its_key():
    assert notation("depth", "log_error").name == notation("height", "log_error").name == "log error"


def test_primary_metric_is_the_one_that_the_task_names_first():
    columns = ["best/step", "best/edge/ap", "best/edge/ods_f", "best/height/log_error"]
    assert [primary(task, columns) for task in ("edge", "height", "depth")] == ["ods_f", "log_error", None]


@pytest.mark.parametrize("path", sorted((CONFIGS / "dataset").glob("*.yaml")), ids=lambda path: path.stem)
def test_datasets_with_a_test_split_beside_validation_are_those_that_say_so(path):
    assert (DATASETS[path.stem] in VALIDATED_APART) == ("\ntest:" in path.read_text())


def test_how_the_best_was_chosen_is_said_once_for_each_dataset():
    assert [line.partition(":")[0] for line in chosen_on(["NYUD-v2", "Replica", "rooms", "NYUD-v2"])] == [
        *("NYUD-v2", "rooms")
    ]
    assert chosen_on(["rooms"])[0].endswith("so it is optimistic; last is not.")
    assert chosen_on(["rooms"], ours=False)[0].endswith("so it is optimistic.")
