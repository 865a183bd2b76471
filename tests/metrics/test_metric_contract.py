"""What the metrics that read labels must hold."""

from math import isnan

import pytest
import torch
import torch.nn.functional as F

from mtl.metrics import RMSE, MaxF, MeanAngularError, MeanIoU

METRICS = {
    "miou": lambda: MeanIoU(num_classes=4),
    "rmse": RMSE,
    "mean_angular_error": MeanAngularError,
    "max_f": MaxF,
}


def batch(name, seed):
    generator = torch.Generator().manual_seed(seed)
    channels = {"miou": 4, "rmse": 1, "mean_angular_error": 3, "max_f": 2}[name]
    prediction = torch.randn(3, channels, 4, 5, generator=generator)
    if name == "rmse":
        return prediction, 0.1 + torch.rand(3, 1, 4, 5, generator=generator)
    if name == "mean_angular_error":
        return prediction, F.normalize(torch.randn(3, 3, 4, 5, generator=generator), dim=1)
    return prediction, torch.randint(channels, (3, 1, 4, 5), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("name", METRICS)
def test_primary_is_the_first_key_and_all_values_are_plain_numbers(name):
    metric = METRICS[name]()
    metric.update(*batch(name, 0))
    values = metric.compute()
    assert metric.primary == name
    assert next(iter(values)) == name
    assert {type(value) for value in values.values()} == {float}


@pytest.mark.parametrize("name", METRICS)
def test_perfect_predictions_move_in_the_better_direction(name):
    poor, good = METRICS[name](), METRICS[name]()
    prediction, target = batch(name, 0)
    if target.dtype == torch.uint8:
        perfect = F.one_hot(target[:, 0].long(), prediction.shape[1]).movedim(-1, 1).float()
    else:
        perfect = target
    poor.update(prediction, target)
    good.update(perfect, target)
    assert (good.compute()[name] > poor.compute()[name]) is good.higher_is_better


@pytest.mark.parametrize("name", METRICS)
def test_empty_metric_is_nan_without_a_warning(name):
    assert all(isnan(value) for value in METRICS[name]().compute().values())  # warnings are errors


@pytest.mark.parametrize("name", METRICS)
def test_all_ignored_is_nan(name):
    metric = METRICS[name]()
    prediction, target = batch(name, 0)
    metric.update(prediction, torch.full_like(target, metric.fill))
    assert all(isnan(value) for value in metric.compute().values())


@pytest.mark.parametrize("name", METRICS)
def test_two_batches_equal_one(name):
    whole, parts = METRICS[name](), METRICS[name]()
    prediction, target = batch(name, 0)
    whole.update(prediction, target)
    parts.update(prediction[:1], target[:1])
    parts.update(prediction[1:], target[1:])
    assert parts.compute() == pytest.approx(whole.compute(), rel=1e-14)


def values_in_two_processes(rank):
    """Values of each metric if both processes have a batch, its own value before, and the value if one has none."""
    found = {}
    for name, make in METRICS.items():
        metric, lone = make(), make()
        metric.update(*batch(name, rank))
        if rank == 0:
            lone.update(*batch(name, 0))
        found[name] = metric.compute(), metric.compute(), metric.values(), lone.compute()
    return found


@pytest.fixture(scope="module")
def found(two_processes):
    return two_processes(values_in_two_processes)


@pytest.mark.parametrize("name", METRICS)
def test_values_are_those_of_all_processes(found, name):
    ones, both = [METRICS[name](), METRICS[name]()], METRICS[name]()
    for seed, one in enumerate(ones):
        one.update(*batch(name, seed))
        both.update(*batch(name, seed))
    for rank, (first, again, own, lone) in enumerate(results[name] for results in found):
        assert first == again == pytest.approx(both.compute(), rel=1e-14)
        assert own == ones[rank].compute()  # so that more batches can follow
        assert lone == ones[0].compute()


@pytest.mark.parametrize("name", METRICS)
def test_reset_forgets_everything(name):
    metric, fresh = METRICS[name](), METRICS[name]()
    metric.update(*batch(name, 1))
    metric.compute()
    metric.reset()
    metric.update(*batch(name, 2))
    fresh.update(*batch(name, 2))
    assert metric.compute() == fresh.compute()


@pytest.mark.parametrize("name", METRICS)
def test_sums_are_kept_in_64_bits_and_without_gradient(name):
    metric = METRICS[name]()
    prediction, target = batch(name, 0)
    metric.update(prediction.requires_grad_(), target)
    assert {sums.dtype for sums in metric.buffers()} <= {torch.int64, torch.float64}
    assert not any(sums.requires_grad for sums in metric.buffers())
