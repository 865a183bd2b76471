import pytest
import torch
from matrices import gradient_cases
from sequences import double

from mtl import build
from mtl.weighters import RotoGrad, Uniform


def weights(weighter: RotoGrad, norms: list, active=None) -> list:
    return weighter(torch.ones(len(norms)), torch.diag(double(norms).square()), active).weights.tolist()


def test_by_hand():
    rule = RotoGrad(2, burn_in=20)
    assert weights(rule, [2, 1]) == pytest.approx([0.75, 1.5])  # alpha (1/2, 1/2), C 1.5
    assert weights(rule, [1, 1]) == pytest.approx([1, 1])  # alpha (1/3, 2/3), C 1
    assert weights(rule, [1, 3]) == pytest.approx([2.714286, 2.714286 / 3], rel=1e-6)  # alpha (1/7, 6/7)


def test_first_lengths_are_taken_again_after_the_burn_in():
    rule = RotoGrad(2, burn_in=2)
    for norms in ([2, 1], [1, 1], [1, 4]):
        weights(rule, norms)
    assert rule.first.tolist() == [1, 4]
    weights(rule, [5, 5])
    assert rule.first.tolist() == [1, 4]


def test_task_that_comes_later_starts_with_its_own_length():
    rule, active = RotoGrad(3, burn_in=20), torch.tensor([True, True, False])
    assert weights(rule, [2, 1, 0], active)[2] == 0
    weights(rule, [2, 1, 7])
    assert rule.first.tolist() == [2, 1, 7]


def test_vanished_gradient_weighs_one_and_is_left_out():
    assert weights(RotoGrad(3, 20), [2, 0, 1]) == pytest.approx([0.75, 1, 1.5])


@pytest.mark.parametrize("case", ["well", "badly", "conflict"])
def test_scaled_gradients_have_one_length(case):
    rows = gradient_cases()[case]
    scaled = RotoGrad(4, 20)(torch.ones(4), rows @ rows.T).weights[:, None] * rows
    assert (scaled.norm(dim=1) / scaled.norm(dim=1)[0]).tolist() == pytest.approx([1] * 4)


def test_both_halves_can_be_used_alone():
    only_scale = build.compose(["weighter=rotograd", "~weighter.rotation", "subset=[depth,edge]"])
    assert build.build_model(only_scale, build.build_tasks(only_scale)).rotation is None
    words = ["weighter=rotograd", "weighter.method={_target_: mtl.weighters.Uniform}", "subset=[depth,edge]"]
    only_rotate = build.compose([*words, "~weighter.method.burn_in"])
    tasks = build.build_tasks(only_rotate)
    assert isinstance(build.build_weighter(only_rotate, tasks), Uniform)
    assert build.build_model(only_rotate, tasks).rotation.map0.shape == (2, 128, 128)
