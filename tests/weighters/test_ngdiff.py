import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl import build
from mtl.build.validate import check_nodes
from mtl.weighters import InverseNorm, NGDiff


def weights_of(rows: Tensor, signs: list[int] | None = None) -> Tensor:
    return NGDiff(len(rows), signs)(torch.ones(len(rows)), rows @ rows.T).weights


def test_by_hand():
    rows = double([[3.0, 4.0], [0.0, 2.0]])
    assert weights_of(rows).tolist() == pytest.approx([0.2, 0.5])
    assert (weights_of(rows) @ rows).tolist() == pytest.approx([0.6, 1.8])
    assert (weights_of(rows, [1, -1]) @ rows).tolist() == pytest.approx([0.6, -0.2])


@pytest.mark.parametrize("case", gradient_cases())
def test_where_all_tasks_are_learned_it_is_the_inverse_norm(case):
    rows = gradient_cases()[case]
    assert torch.equal(weights_of(rows), InverseNorm(4)(torch.ones(4), rows @ rows.T).weights)


def test_vanished_gradient_has_the_weight_of_its_sign():
    assert weights_of(gradient_cases()["zero"], [1, -1, -1, 1])[2] == -1


@pytest.mark.parametrize("signs", [[1, 1, 0], [1, -1], [1, 1, 2.5]])
def test_signs_that_are_none_are_refused_by_value(signs):
    with pytest.raises(ValueError, match=r"signs must be 1 or -1 for each of 3 tasks, got \[1, "):
        NGDiff(3, signs)


def test_signs_are_given_by_task_on_the_command_line():
    words = ["weighter=ngdiff", "weighter.method.signs={semseg:-1,depth:1,normals:1,edge:1}", "subset=[depth,semseg]"]
    cfg = build.compose(words)
    check_nodes(cfg)
    tasks = build.build_tasks(cfg)
    signs = build.build_weighter(cfg, tasks).signs.tolist()
    assert dict(zip((task.name for task in tasks), signs, strict=True)) == {"semseg": -1, "depth": 1}


@pytest.mark.parametrize(("file", "case"), golden_sequences("ngdiff"))
def test_golden(file, case):
    rows, expected = double(case["J"]), case["expected"]
    weights = weights_of(rows, case["signs"])
    torch.testing.assert_close(weights, double(expected["weights"]), rtol=1e-12, atol=0)
    torch.testing.assert_close(weights @ rows, double(expected["grad"]), rtol=1e-12, atol=1e-12)
