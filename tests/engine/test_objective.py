"""Forward passes: precision, micro-batches, and a second pass over a batch."""

import pandas as pd
import pytest
import torch
from tiny import tiny

from mtl import build
from mtl.engine.failure import NotTrainedError
from mtl.engine.objective import split
from mtl.engine.trainer import Trainer
from mtl.run.checkpoint import load_checkpoint

# Half precision is slow on CPUs: two tasks on small images.
SMALL = ["subset=[depth,semseg]", "dataset.height=16", "dataset.width=32", "recipe.steps=2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


def trainer(folder, data, *more: str) -> Trainer:
    folder.mkdir(exist_ok=True)
    return build.build_trainer(build.compose([*tiny(folder, *more), f"data={data}/data"]), folder)


def labels_of(run: Trainer) -> dict[str, torch.Tensor]:
    return {key: value for key, value in next(iter(run.loader)).items() if isinstance(value, torch.Tensor)}


def test_second_pass_gives_the_same_losses_and_changes_no_state(tmp_path, data):
    run = trainer(tmp_path, data)
    run.model.train()
    labels = labels_of(run)
    losses = torch.stack(run.objective(labels)[0])
    before = {key: value.clone() for key, value in run.model.state_dict().items()}
    assert torch.equal(run.objective.values([labels]), losses)
    after = run.model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
    run.objective(labels)
    means = [key for key in before if key.endswith("running_mean")]
    assert means
    assert not any(torch.equal(run.model.state_dict()[key], before[key]) for key in means)


def test_parts_of_a_batch_are_all_of_it_in_order():
    labels = {"image": torch.arange(12).reshape(6, 2), "depth": torch.arange(6)}
    parts = split(labels | {"meta": []}, 3, torch.device("cpu"))
    assert [part["depth"].tolist() for part in parts] == [[0, 1], [2, 3], [4, 5]]
    assert torch.equal(torch.cat([part["image"] for part in parts]), labels["image"])


@pytest.mark.parametrize("weighter", ["uniform", "avgnorm"])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_parameters_in_full_precision(tmp_path, data, precision, weighter):
    first = {}
    for kind in ("float32", precision):
        run = trainer(tmp_path / kind, data, *SMALL, f"weighter={weighter}", f"recipe.precision={kind}")
        if kind == "float16":
            run.scaler.load_state_dict(run.scaler.state_dict() | {"scale": 2.0**10})  # not 2^16
        assert run.fit()["skipped_steps"] == 0
        row = pd.read_csv(tmp_path / kind / "gradients.csv").iloc[0]
        first[kind] = row[[key for key in row.index if key.startswith(("weight/", "train/loss/", "gradient/norm"))]]
    assert first[precision].to_numpy() == pytest.approx(first["float32"].to_numpy(), rel=0.1)
    assert not first[precision].equals(first["float32"])
    state = load_checkpoint(tmp_path / precision / "last.pt")
    assert all(value.dtype != torch.float16 for value in state["model"].values())
    assert bool(state["scaler"]) == (precision == "float16")


def test_overflow_skips_the_step_halves_the_scale_and_restores_the_weighter(tmp_path, data, capsys):
    words = ["weighter=avgnorm", "recipe.precision=float16", "recipe.on_nonfinite=raise"]
    run = trainer(tmp_path, data, *SMALL, *words)
    run.scaler.load_state_dict(run.scaler.state_dict() | {"scale": 2.0**120})
    with pytest.raises(NotTrainedError, match="too large for float16, and all 2 steps were skipped"):
        run.fit()
    assert run.progress.skipped == 2
    assert run.scaler.get_scale() == 2.0**118
    assert "loss or gradient not finite" in capsys.readouterr().err
    assert all(value.isfinite().all() for value in run.model.state_dict().values())


def test_micro_batches_that_do_not_divide_the_batch_are_refused(tmp_path, data):
    with pytest.raises(ValueError, match="batch_size=4 does not divide into 3 micro-batches of 1 processes"):
        trainer(tmp_path, data, "recipe.micro_batches=3")


@pytest.mark.parametrize("accumulation", ["exact", "first"])
def test_run_in_micro_batches_ends_well(tmp_path, data, accumulation):
    words = ["weighter=avgnorm", "recipe.micro_batches=2", f"recipe.accumulation={accumulation}"]
    result = trainer(tmp_path, data, *words).fit()
    assert result["steps"] == 3
    assert result["mean_weights"]["edge"] > result["mean_weights"]["depth"]
