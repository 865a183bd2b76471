import pytest
import torch
from matrices import gradient_cases
from sequences import double, golden_sequences
from torch import Tensor

from mtl.weighters import IMTLG

WELL_POSED = ("well", "badly", "conflict", "tiny", "huge")


def weights_of(rows: Tensor) -> Tensor:
    return IMTLG(len(rows))(torch.ones(len(rows)), rows @ rows.T).weights


def projections(weights: Tensor, rows: Tensor) -> Tensor:
    """Projection of the update onto each gradient. Shape [T]."""
    return rows @ (weights @ rows) / rows.norm(dim=1)


def test_by_hand():
    weights = weights_of(double([[3.0, 0.0], [0.0, 4.0]]))
    assert weights.tolist() == pytest.approx([4 / 7, 3 / 7])  # update (12/7, 12/7)


@pytest.mark.parametrize("case", WELL_POSED)
def test_update_projects_equally_on_every_gradient(case):
    rows = gradient_cases()[case]
    weights = weights_of(rows)
    assert weights.sum().item() == pytest.approx(1)
    found = projections(weights, rows)
    torch.testing.assert_close(found, found[:1].expand(4), rtol=1e-6, atol=0)


@pytest.mark.parametrize("ratio", [1e1, 1e3, 1e5])
def test_line_of_the_update_does_not_depend_on_the_scale_of_the_losses(ratio):
    rows = gradient_cases()["conflict"]
    scaled = rows * double([1.0, ratio, 1 / ratio, 1.0])[:, None]
    update, same = weights_of(rows) @ rows, weights_of(scaled) @ scaled
    cosine = (update @ same) / update.norm() / same.norm()  # negative where the weights sum to 1 by pointing backwards
    assert cosine.abs().item() == pytest.approx(1, abs=1e-10)


def test_a_weight_can_be_negative():
    weights = weights_of(double([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]))  # the last between the others
    assert weights[2] < 0
    assert weights.sum().item() == pytest.approx(1)


def test_identical_gradients_share_equally():
    assert weights_of(gradient_cases()["identical"]).tolist() == pytest.approx(
        [0.25] * 4
    )  # a reference gives 1, 0, 0, 0


def test_parallel_gradients_weigh_as_they_are_long():
    rows = gradient_cases()["colinear"]
    torch.testing.assert_close(weights_of(rows), double([1.0, 2.0, 0.5, 3.0]) / 6.5)


def test_more_gradients_than_dimensions_follow_the_pseudoinverse():
    rows = gradient_cases()["well"][:, :3]
    gramian = rows @ rows.T
    expected = torch.linalg.pinv(gramian, rcond=1e-10) @ rows.norm(dim=1)
    torch.testing.assert_close(weights_of(rows), expected / expected.sum(), rtol=1e-9, atol=1e-12)


def test_opposed_gradients_fall_back_to_equal_weights_and_are_counted():
    weighter, rows = IMTLG(4), gradient_cases()["opposed"]
    for steps in (1, 2):
        assert weighter(torch.ones(4), rows @ rows.T).weights.tolist() == [0.25] * 4
        assert weighter.diagnostics() == {"solver_failures": steps}
    fresh = IMTLG(4)
    fresh.load_state_dict(weighter.state_dict())
    assert fresh.diagnostics() == {"solver_failures": 2}


def test_vanished_gradient_weighs_as_under_uniform_weights_and_leaves_the_others_alone():
    rows, others = gradient_cases()["zero"], [0, 1, 3]  # the references answer with NaN
    weights = weights_of(rows)
    assert weights[2] == 0.25  # on the scale of a mean
    torch.testing.assert_close(weights[others], weights_of(rows[others]))


def test_without_any_gradient_all_weights_are_equal():
    assert weights_of(torch.zeros(4, 5)).tolist() == [0.25] * 4


def test_inactive_task_is_as_if_it_did_not_exist():
    rows, active = gradient_cases()["conflict"], torch.tensor([True, False, True, True])
    weights = IMTLG(4)(torch.ones(4), rows @ rows.T, active).weights
    assert weights[1] == 0
    torch.testing.assert_close(weights[active], weights_of(rows[active]))


@pytest.mark.parametrize("case", gradient_cases())
def test_single_precision_gives_finite_weights_that_sum_to_one(case):
    rows = gradient_cases()[case].float()
    weights = IMTLG(4)(torch.ones(4), (rows @ rows.T).double()).weights
    assert torch.isfinite(weights).all()
    if case not in ("zero", "all zero"):
        assert weights.sum().item() == pytest.approx(1, rel=1e-3)


def unique(rows: Tensor) -> bool:
    """Whether there is exactly one solution."""
    return bool((rows.norm(dim=1) > 0).all()) and torch.linalg.matrix_rank(rows).item() == len(rows)


# Without a unique solution only TorchJD has a rule: the others give NaN, an error, or all the weight to one task.
GOLDEN = [
    case
    for case in golden_sequences("imtl_g")
    if case.values[0]["source"] == "TorchJD" or unique(double(case.values[1]["J"]))
]


@pytest.mark.parametrize(("file", "case"), GOLDEN)
def test_golden(file, case):
    rows, expected, tasks = double(case["J"]), case["expected"], case["T"]
    update = double(expected["grad"]) * (tasks if file["source"] == "VICO" else 1)  # VICO divides the update by T
    weights = weights_of(rows)
    # nearly parallel or badly scaled gradients: the sources invert Gramians with condition numbers of 1e8
    tolerance = {"colinear": 1e-5, "badly": 1e-7}.get(case["kind"], 1e-10)
    scale = update.abs().max().item()
    torch.testing.assert_close(weights @ rows, update, rtol=tolerance, atol=tolerance * scale)
    if expected.get("weights"):
        there = rows.norm(dim=1) > 0  # a zero row has recorded weight 0 and ours is 1; it adds nothing to the update
        torch.testing.assert_close(weights[there], double(expected["weights"])[there], rtol=tolerance, atol=tolerance)
    if unique(rows):
        found = projections(weights, rows)
        torch.testing.assert_close(found, found[:1].expand(tasks), rtol=1e-7, atol=0)
