import math

import pytest
from fake_figures import curve_lines, curves_frame

from mtl.report.figures.series import comparable_curves, line, origin, pairs_of, tasks_of, titled
from mtl.report.figures.sources import MissingRunsError

BOTH = ("Uniform", "CAGrad")
TASKS = ("semseg", "depth")


def uniform(**changes):
    return curve_lines("rooms", "Uniform", TASKS, **changes)


def cagrad(**changes):
    return curve_lines("rooms", "CAGrad", TASKS, **changes)


def test_line_is_the_mean_of_the_seeds_between_lowest_and_highest():
    drawn = line(curves_frame(uniform(seed=0), uniform(seed=2)), "Uniform", "gradient/norm/depth")
    assert drawn.to_dict("list") == {"mean": [4, 8], "low": [2, 4], "high": [6, 12]}
    assert drawn.index.tolist() == [10, 20]


def test_step_that_a_seed_lacks_is_a_gap():
    drawn = line(curves_frame(uniform(), uniform(seed=1, steps=(10,))), "Uniform", "gradient/norm/semseg")
    assert drawn.loc[10, "mean"] == 1.5
    assert drawn.loc[20].map(math.isnan).all()


def test_curves_are_those_of_the_methods_in_the_plain_setting():
    others = [uniform(variant="c 0.2"), uniform(operation="Noise"), uniform(initialization="SAM")]
    others += [
        uniform(architecture="MTAN"),
        curve_lines("NYUD-v2", "Uniform", TASKS),
        curve_lines("rooms", "UW", TASKS),
    ]
    found = comparable_curves(curves_frame(*others, uniform(), cagrad()), "rooms", BOTH, "gradient")
    assert set(found["source"]) == {uniform()[0]["source"], cagrad()[0]["source"]}
    assert found["key"].str.startswith("gradient/").all()


def test_backbone_with_all_methods_goes_before_the_papers_and_the_papers_before_others():
    tiny = {"backbone": "tiny"}
    found = comparable_curves(curves_frame(uniform(), uniform(**tiny), cagrad(**tiny)), "rooms", BOTH, "gradient")
    assert set(found["backbone"]) == {"tiny"}
    frame = curves_frame(uniform(), cagrad(), uniform(**tiny, steps=(50,)), cagrad(**tiny, steps=(50,)))
    assert set(comparable_curves(frame, "rooms", BOTH, "gradient")["backbone"]) == {"ResNet-18"}
    studied = [method(backbone=f"ResNet-{name}") for method in (uniform, cagrad) for name in ("narrow", "tiny")]
    assert set(comparable_curves(curves_frame(*studied), "rooms", BOTH, "gradient")["backbone"]) == {"ResNet-tiny"}


def test_runs_of_different_lengths_are_not_mixed():
    frame = curves_frame(
        uniform(), cagrad(), uniform(steps=(10, 20, 30)), cagrad(steps=(10, 20, 30)), uniform(steps=(40,))
    )
    found = comparable_curves(frame, "rooms", BOTH, "gradient")
    assert found.groupby("source")["step"].max().tolist() == [30, 30]


def test_runs_of_fewer_tasks_are_left_out():
    one = curve_lines("rooms", "Uniform", TASKS[:1])
    found = comparable_curves(curves_frame(one, uniform(), cagrad()), "rooms", BOTH, "gradient")
    assert one[0]["source"] not in set(found["source"])


def test_missing_methods_are_named_with_the_command_that_trains_them():
    with pytest.raises(MissingRunsError) as caught:
        comparable_curves(curves_frame(uniform()), "rooms", BOTH, "gradient")
    assert str(caught.value) == "no runs on rooms for CAGrad; train them: make figures-runs DATASET=rooms"
    with pytest.raises(MissingRunsError, match="Uniform, CAGrad"):
        comparable_curves(curves_frame(), "rooms", BOTH, "gradient")


def test_method_without_all_tasks_is_missing():
    frame = curves_frame(uniform(), curve_lines("rooms", "CAGrad", TASKS[:1]))
    with pytest.raises(MissingRunsError, match="for CAGrad;"):
        comparable_curves(frame, "rooms", BOTH, "gradient/norm")


def test_tasks_and_pairs_are_in_order():
    frame = curves_frame(curve_lines("PASCAL-Context", "Uniform", ("semseg", "human_parts", "edge")))
    assert tasks_of(frame, "gradient/norm") == ["semseg", "human_parts", "edge"]
    pairs = [("semseg", "human_parts"), ("semseg", "edge"), ("human_parts", "edge")]
    assert pairs_of(frame, "gradient/dot") == pairs


def test_caption_has_dataset_backbone_seeds_and_window():
    frame = curves_frame(uniform(), uniform(seed=1), cagrad())
    assert origin(frame) == "rooms, ResNet-18; seeds 0, 1: mean and range; windows of 10 steps"
    assert origin(curves_frame(cagrad(steps=(2000, 3100)))) == "rooms, ResNet-18; seed 0; windows of 2,000 steps"
    assert [titled(frame, method) for method in BOTH] == ["Uniform", "CAGrad (seed 0)"]
