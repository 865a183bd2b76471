import pytest
import torch
from matrices import gradient_cases
from sequences import assert_same_state, double, golden_sequences, stream
from torch import Tensor

from mtl.weighters import GradNorm


def gramians(steps: int, tasks: int) -> Tensor:
    """Gramians of random rows of different lengths. Shape [steps, T, T]."""
    rows = torch.randn(steps, tasks, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    rows = rows * torch.logspace(-1, 1, tasks).double()[:, None]
    return rows @ rows.mT


def of_norms(*norms: float) -> Tensor:
    """Gramian of orthogonal gradients."""
    return double([n**2 for n in norms]).diag()


def make(tasks: int = 3, alpha: float = 1.5, lr: float = 0.025) -> GradNorm:
    return GradNorm(tasks, alpha=alpha, lr=lr)


class PlainSteps(GradNorm):
    """The recorded sequences come from plain gradient descent."""

    def descend(self, gradient: Tensor, counted: Tensor) -> Tensor:
        return self.task_weights - self.lr * gradient


class PlainStepsThroughSoftmax(GradNorm):
    """LibMTL has w = T softmax(v) and steps v; v is known from w up to a constant that softmax ignores."""

    def descend(self, gradient: Tensor, counted: Tensor) -> Tensor:
        weights = self.task_weights
        slope = weights * (gradient - (weights * gradient).mean())  # dL/dv
        return self.num_tasks * (weights.log() - self.lr * slope).softmax(0)


def test_by_hand():
    weighter = make(2, lr=0.1)
    assert weighter(double([2.0, 5.0]), of_norms(3, 1)).weights.tolist() == [1, 1]
    # mean norm 2, both losses at their start: Adam's first step takes 0.1 from the long one and gives it to the short
    assert weighter.task_weights.tolist() == pytest.approx([0.9, 1.1])


def test_scaling_by_hand():
    weighter = PlainSteps(2, alpha=1.5, lr=0.1)
    weighter(double([2.0, 5.0]), of_norms(3, 1))
    assert weighter.task_weights.tolist() == pytest.approx([2 * 0.7 / 1.8, 2 * 1.1 / 1.8])


def test_gradient_is_that_of_the_objective():
    losses, grams = stream(2, 3), gramians(2, 3)
    weighter = make()
    weighter(losses[0], grams[0])
    weights = weighter.task_weights.clone().requires_grad_()
    norms = grams[1].diagonal().sqrt()
    ratios = losses[1] / losses[0]
    target = (weights * norms).mean().detach() * (ratios / ratios.mean()) ** 1.5
    (expected,) = torch.autograd.grad((weights * norms - target).abs().sum(), weights)
    found = weighter.gradient(losses[1], norms, torch.ones(3, dtype=torch.bool))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_steps_are_those_of_torchs_adam():
    weighter, reference = make(), torch.ones(3, dtype=torch.float64)
    adam = torch.optim.Adam([reference], lr=0.025)
    losses, everyone = stream(30, 3), torch.ones(3, dtype=torch.bool)
    for step, gramian in enumerate(gramians(30, 3)):
        weighter.first_losses = losses[0]
        reference.grad = weighter.gradient(losses[step], gramian.diagonal().sqrt(), everyone)
        adam.step()
        reference.mul_(3 / reference.sum())
        weighter(losses[step], gramian)
        torch.testing.assert_close(weighter.task_weights, reference, rtol=1e-12, atol=0)


def test_without_favour_for_slow_tasks_weighted_gradients_become_equally_long():
    weighter, norms = make(alpha=0.0, lr=0.002), (1.0, 2.0, 5.0)
    for _ in range(1000):
        weighter(torch.ones(3), of_norms(*norms))
    lengths = weighter.task_weights * double(norms)
    torch.testing.assert_close(lengths, double([3 / 1.7] * 3), rtol=0.02, atol=0)  # T / sum(1/n)


def test_slow_task_gets_the_longer_gradient():
    weighter = make(2, alpha=1.0, lr=0.002)
    weighter(double([1.0, 1.0]), of_norms(1, 1))
    for _ in range(1000):
        weighter(double([0.9, 0.3]), of_norms(1, 1))
    slow, fast = weighter.task_weights.tolist()
    assert slow / fast == pytest.approx(3, rel=0.02)  # as their losses, both 1 at first


def test_no_weight_ever_turns_negative_or_zero():
    weighter = make(lr=10.0)
    for losses, gramian in zip(stream(50, 3), gramians(50, 3), strict=True):
        weights = weighter(losses, gramian).weights
        assert (weights > 0).all()
        assert weights.sum().item() == pytest.approx(3)


def test_inactive_task_keeps_its_state_and_is_as_if_it_did_not_exist():
    three, two, active, others = make(3), make(2), torch.tensor([True, False, True]), [0, 2]
    for losses, gramian in zip(stream(12, 3), gramians(12, 3), strict=True):
        seen, rows = torch.where(active, losses, 0.0), torch.where(active.outer(active), gramian, 0.0)
        weights = three(seen, rows, active).weights
        assert weights[1] == 0
        expected = two(losses[others], gramian[others][:, others]).weights
        torch.testing.assert_close(weights[others], expected, rtol=1e-12, atol=0)
    for name, value in three.state_dict().items():
        torch.testing.assert_close(value[others], two.state_dict()[name], rtol=1e-12, atol=1e-15)
        assert value[1] == make(3).state_dict()[name][1]


def test_first_loss_is_of_the_first_batch_with_labels():
    weighter, gramian = make(2), of_norms(1, 1)
    weighter(double([4.0, 0.0]), gramian, torch.tensor([True, False]))
    weighter(double([3.0, 7.0]), gramian)
    weighter(double([2.0, 6.0]), gramian)
    assert weighter.first_losses.tolist() == [4, 7]


def test_no_active_task_changes_nothing():
    weighter = make()
    weighter(stream(1, 3)[0], gramians(1, 3)[0])
    before = {name: value.clone() for name, value in weighter.state_dict().items()}
    nothing = weighter(torch.zeros(3), torch.zeros(3, 3), torch.zeros(3, dtype=torch.bool))
    assert nothing.weights.tolist() == [0, 0, 0]
    assert all(torch.equal(value, before[name]) for name, value in weighter.state_dict().items())


def test_vanished_gradient_has_no_part_in_the_step_of_the_others():
    others = [0, 2]
    weighter, alone = make(3), make(2)
    losses, norms = double([1.0, 5.0, 2.0]), double([3.0, 0.0, 1.0])
    weighter(losses, norms.square().diag())
    alone(losses[others], norms[others].square().diag())
    ratio = weighter.task_weights[others] / alone.task_weights
    assert ratio[0].item() == pytest.approx(ratio[1].item())
    assert weighter.task_weights.sum().item() == pytest.approx(3)
    assert weighter.steps.tolist() == [1, 0, 1]


def test_loss_that_began_at_zero_moves_no_weight():
    weighter = make(2)
    for losses in ([0.0, 1.0], [3.0, 2.0]):
        weighter(double(losses), of_norms(1, 5))
    assert weighter.steps.tolist() == [0, 2]
    assert torch.isfinite(weighter.task_weights).all()


@pytest.mark.parametrize("case", gradient_cases())
@pytest.mark.parametrize("losses", [[1e-12, 1e12, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
def test_weights_and_state_stay_finite(case, losses):
    weighter, rows = make(4), gradient_cases()[case]
    for step in range(4):
        weights = weighter(double(losses).roll(step), rows @ rows.T).weights
        assert (weights > 0).all()
        assert all(torch.isfinite(value).all() for value in weighter.state_dict().values())


def test_resumed_weighter_goes_on_bit_for_bit_and_a_skipped_step_leaves_no_trace():
    losses, grams = stream(12, 3), gramians(12, 3)
    undisturbed, resumed = make(), make()
    for index in range(12):
        saved = {name: value.clone() for name, value in resumed.state_dict().items()}
        resumed(100 * losses[index] + 1, grams[index - 1])
        resumed = make()
        resumed.load_state_dict(saved)
        expected = undisturbed(losses[index], grams[index]).weights
        assert torch.equal(resumed(losses[index], grams[index]).weights, expected)
    assert_same_state(resumed, undisturbed)


@pytest.mark.parametrize(
    ("alpha", "lr", "named"), [(-1, 0.1, "-1"), (float("nan"), 0.1, "nan"), (1.5, 0, "lr"), (1.5, float("inf"), "inf")]
)
def test_wrong_numbers_are_refused_by_value(alpha, lr, named):
    with pytest.raises(ValueError, match=named):
        GradNorm(3, alpha=alpha, lr=lr)


@pytest.mark.parametrize(("file", "case"), golden_sequences("gradnorm"))
def test_golden(file, case):
    libmtl = file["source"] == "LibMTL"
    kind = PlainStepsThroughSoftmax if libmtl else PlainSteps
    weighter = kind(case["T"], alpha=file["hyperparameters"]["alpha"], lr=0.025)
    if libmtl:  # it compares with the mean losses of an epoch of uniform weights before
        weighter.first_losses, weighter.seen = double(case["losses0"]), torch.ones(case["T"], dtype=torch.bool)
    for rows, losses, expected in zip(double(case["J"]), case["losses"], case["expected"], strict=True):
        weights = weighter(double(losses), rows @ rows.T).weights
        torch.testing.assert_close(weights, double(expected["weights"]), rtol=1e-10, atol=0)
        torch.testing.assert_close(weights @ rows, double(expected["grad"]), rtol=1e-9, atol=1e-12)
        if not libmtl:  # what it prints is after scaling
            torch.testing.assert_close(weighter.task_weights, double(expected["param_after"]), rtol=1e-10, atol=0)
