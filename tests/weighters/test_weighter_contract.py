"""Properties of every weighter."""

import pytest
import torch
from catalogue import NAMES, applied, scopes, weighter
from matrices import gradient_cases
from torch import Tensor

import mtl
from mtl.weighters import Needs, Uniform, Update, Weighter

LOSSES = torch.tensor([0.5, 3.0, 0.01, 120.0]).double()
CASES = gradient_cases()
DRAWN = ("rlw", "pcgrad", "gradvac")  # other draws with fewer tasks


def ask(rule: Weighter, rows: Tensor, active: Tensor | None = None, losses: Tensor = LOSSES) -> Update:
    """One complete step of the rule."""
    gradients = {Needs.LOSSES: None, Needs.GRAMIAN: rows @ rows.T, Needs.GRADIENTS: rows}[rule.needs]
    rule.observe(1 / (1 + losses))  # any numbers from 0 to 1
    update = rule(losses, gradients, active)
    rule.after_step(losses * 0.9 if rule.recompute else None)
    return update


def numbers(update: Update) -> list[Tensor]:
    """All parts of an update that are not None."""
    return [part for part in update if part is not None]


def assert_finite(rule: Weighter, update: Update) -> None:
    assert update.weights.shape == (4,)
    assert all(part.isfinite().all() for part in numbers(update))
    assert update.weights.float().isfinite().all()  # as the engine hands them on
    assert update.shared_weights is None or update.shared_weights.float().isfinite().all()
    assert all(value.isfinite().all() for value in rule.state_dict().values())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NAMES)
def test_numbers_stay_finite_and_detached_whatever_the_gradients(name, case):
    rule = weighter(name)
    for _ in range(3):
        update = ask(rule, CASES[case])
        assert_finite(rule, update)
        attached = [part for part in numbers(update) if part.requires_grad]
        assert attached == ([] if update.penalty is None else [update.penalty])
    assert_finite(rule, ask(rule, CASES["well"]))


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("name", NAMES)
def test_numbers_stay_finite_whatever_the_losses(name, scale):
    rule = weighter(name)
    for _ in range(3):
        assert_finite(rule, ask(rule, CASES["well"], losses=LOSSES * scale))
        rule.after_epoch()
    assert_finite(rule, ask(rule, CASES["badly"] * scale))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in ("rlw", "pcgrad", "gradvac")]
)  # other draws with T = 3
def test_inactive_task_weighs_nothing_and_leaves_the_others_as_if_it_were_not_there(name, case):
    rows, active = CASES[case].clone(), torch.tensor([True, False, True, True])
    rows[1] = 0  # as the engine hands it over
    four, three = weighter(name), weighter(name, "semseg,depth,normals")
    if name == "grid_search":
        three.constants = four.constants[active]
    for _ in range(3):
        found = ask(four, rows, active)
        expected = ask(three, rows[active], losses=LOSSES[active])
        assert found.weights[1] == 0
        torch.testing.assert_close(found.weights[active], expected.weights)
        if found.shared_weights is not None:
            assert found.shared_weights[1] == 0
            torch.testing.assert_close(found.shared_weights[active], expected.shared_weights)
        if found.direction is not None:
            torch.testing.assert_close(found.direction, expected.direction)


@pytest.mark.parametrize("name", NAMES)
def test_no_active_task_gives_zero_weights_and_leaves_the_state(name):
    rule, none = weighter(name), torch.zeros(4, dtype=torch.bool)
    ask(rule, CASES["well"])
    before = {key: value.clone() for key, value in rule.state_dict().items()}
    update = ask(rule, torch.zeros(4, 12).double(), none, torch.zeros(4).double())
    assert update.weights.tolist() == [0, 0, 0, 0]
    assert all(part.isfinite().all() for part in numbers(update))
    after = rule.state_dict()
    kept = [key for key in before if key not in ("_extra_state", "active", "before")]  # draws, and the current step
    assert all(torch.equal(after[key], before[key]) for key in kept)


@pytest.mark.parametrize("name", NAMES)
def test_one_task_alone_descends_along_its_gradient(name):
    rule, rows = weighter(name, "semseg"), CASES["well"][:1]
    for _ in range(3):
        update = ask(rule, rows, losses=LOSSES[:1])
        shared = update.weights if update.shared_weights is None else update.shared_weights
        direction = shared @ rows if update.direction is None else update.direction
        assert torch.cosine_similarity(direction, rows[0], dim=0).item() == pytest.approx(1)


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_it_goes_on_as_if_nothing_had_been(name):
    def steps(rule: Weighter, numbers_of: range) -> list[Tensor]:
        found = []
        for number in numbers_of:
            generator = torch.Generator().manual_seed(number)
            rows = torch.randn(4, 12, generator=generator, dtype=torch.float64)
            update = ask(rule, rows, losses=LOSSES * rows[:, 0].abs())
            if update.penalty is not None:
                (rule_gradient,) = torch.autograd.grad(update.penalty, list(rule.parameters()))
                next(rule.parameters()).data -= 0.1 * rule_gradient
            if number % 2:
                rule.after_epoch()
            found += [part.detach() for part in numbers(update)]
        return found

    whole, first, second = weighter(name), weighter(name), weighter(name)
    expected = steps(whole, range(8))
    begun = steps(first, range(5))
    steps(second, range(40, 43))  # in any earlier state
    second.load_state_dict({key: value.clone() for key, value in first.state_dict().items()})
    found = begun + steps(second, range(5, 8))
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


SEEING = [(name, scope) for name in NAMES if weighter(name).needs is not Needs.LOSSES for scope in scopes(name)]


@pytest.mark.parametrize("broken", [torch.nan, torch.inf])
@pytest.mark.parametrize(("name", "scope"), SEEING)
def test_a_gradient_that_is_not_finite_reaches_no_parameter(name, broken, scope):
    torch.manual_seed(0)
    encoder, heads = torch.nn.Conv2d(3, 4, 3), torch.nn.ModuleList(torch.nn.Conv2d(4, 1, 1) for _ in range(4))
    features = mtl.cut(encoder(torch.randn(2, 3, 6, 6)), 4)
    losses = [head(features[t]).square().mean() for t, head in enumerate(heads)]
    features.copies[1][0].register_hook(lambda gradient: gradient * broken)
    rule = weighter(name)
    rule.observe(torch.ones(4))
    result = mtl.backward(losses, features, rule, last_layer=encoder.weight, **applied(name) | {"scope": scope})
    assert result.active.tolist() == [True, False, True, True]
    assert all(p.grad.isfinite().all() for p in [*encoder.parameters(), *heads.parameters()])
    assert not heads[1].weight.grad.any()
    assert encoder.weight.grad.any()


def test_every_weighter_of_the_paper_is_there():
    assert len(NAMES) >= 19


def test_no_task_is_refused():
    with pytest.raises(ValueError, match="num_tasks=0"):
        Uniform(0)
