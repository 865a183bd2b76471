"""Whole runs on the device, from the data to the scores."""

import math
from typing import get_args

import pandas as pd
import pytest
import torch
from dropout import without_dropout
from test_resume import stop_at

from mtl.build.keys import Precision
from mtl.run.checkpoint import load_checkpoint

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("precision", get_args(Precision))
def test_network_trains_in_every_precision(network, size, precision, trainer, device):
    if precision == "tf32" and device.type == "cpu":
        pytest.skip("the CPU has no TF32")
    run = trainer("run", *network, *size, f"recipe.precision={precision}", "weighter=avgnorm")
    if precision == "float16":
        if run.device.type == "cpu" and "model=vanilla" not in network:
            pytest.skip("float16 takes minutes on the CPU")
        run.scaler.load_state_dict(run.scaler.state_dict() | {"scale": 256.0})  # the default overflows at first
    result = run.fit()
    assert result["skipped_steps"] == 0
    assert all(parameter in run.optimizer.state for parameter in run.model.parameters())
    assert all(parameter.isfinite().all() for parameter in run.model.parameters())
    assert all(math.isfinite(value) for scores in result["last"]["scores"].values() for value in scores.values())
    assert all(weight > 0 for weight in result["mean_weights"].values())


def test_losses_in_half_precision_are_those_in_float32(network, small, trainer):
    found = {}
    for precision in ("float32", "bfloat16", "float16"):
        run = trainer(precision, *network, *small, f"recipe.precision={precision}")
        batch = next(iter(run._batches()))
        labels = {key: value.to(run.device) for key, value in batch.items() if isinstance(value, torch.Tensor)}
        run.model.eval()
        found[precision] = torch.stack(run.objective(labels)[0]).detach()
    torch.testing.assert_close(found["bfloat16"], found["float32"], rtol=0.1, atol=0.01)
    torch.testing.assert_close(found["float16"], found["float32"], rtol=0.02, atol=0.002)


def test_resumed_run_ends_with_the_same_bits(network, small, trainer, tmp_path):
    words = (*network, *small, "weighter=avgnorm", "deterministic=true")
    whole = trainer("whole", *words).fit()
    first = trainer("parts", *words)
    stop_at(3, first)
    with pytest.raises(SystemExit):
        first.fit()
    torch.manual_seed(99)  # a new process starts with other random states
    torch.randn(1, device=first.device)
    parts = trainer("parts", *words).fit()
    assert parts["last"] == whole["last"]
    assert parts["mean_weights"] == whole["mean_weights"]
    for name in ("metrics.csv", "gradients.csv"):
        assert (tmp_path / "parts" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for name in ("last.pt", "best.pt"):
        ours, theirs = (load_checkpoint(tmp_path / run / name)["model"] for run in ("parts", "whole"))
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.usefixtures("full_float32")
def test_scores_are_those_of_the_cpu(small, trainer):
    run = trainer("device", *small, "backbone=resnet_tiny")
    scores = run.fit()["last"]["scores"]
    other = trainer("cpu", *small, "backbone=resnet_tiny", on="cpu")
    other.model.load_state_dict(run.model.state_dict())
    expected = other.evaluator.run(other.model)
    for task, values in expected.items():
        assert scores[task] == pytest.approx(values, rel=0.02, abs=0.05), task
    assert expected["edge"]["ods_f"] > 0


@pytest.mark.parametrize("network", ["vanilla", "invpt"], indirect=True)  # each takes minutes on the CPU
def test_compiled_network_takes_the_same_first_step(network, small, trainer, tmp_path):
    words = (*network, *small, "weighter=avgnorm", "weighter.scope=shared", "recipe.steps=1")
    rows = {}
    for compiled in ("false", "true"):
        run = trainer(compiled, *words, "logging.gradient_statistics.every=1", f"recipe.compile={compiled}")
        without_dropout(run.model)
        run.fit()
        rows[compiled] = pd.read_csv(tmp_path / compiled / "gradients.csv").iloc[0].to_dict()
    assert rows["true"] == pytest.approx(rows["false"], rel=1e-2, abs=1e-3)
