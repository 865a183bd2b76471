"""Runs whose network was not trained end with an error that names the first cause."""

import pytest
import torch
from tiny import tiny

import mtl
from mtl import build
from mtl.engine.failure import DivergedError, NotTrainedError, divergence, failure, first_cause
from mtl.engine.progress import Progress

NAMES = ["depth", "edge"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A folder whose rendered rooms the tests share."""
    return tmp_path_factory.mktemp("runs")


def trainer(folder, shared, *words):
    cfg = build.compose([*tiny(folder, "subset=[depth,edge]", *words), f"data={shared}/data"])
    return build.build_trainer(cfg, folder)


def gradients(losses=(1.0, 2.0), weights=(1.0, 1.0), broken=(False, False), active=(True, True)):
    losses, weights = torch.tensor(losses), torch.tensor(weights)
    return mtl.Gradients(losses, weights, weights, torch.tensor(active), None, None, torch.tensor(broken))


def progress(**fields):
    done = Progress(weights=torch.zeros(2))
    for key, value in fields.items():
        setattr(done, key, value)
    return done


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (gradients(losses=(1.0, torch.inf), broken=(False, True)), "edge: loss infinite at step 3"),
        (gradients(losses=(torch.nan, torch.inf)), "depth, edge: loss NaN or infinite at step 3"),
        (gradients(weights=(torch.nan, 1.0)), "depth: weight NaN at step 3"),
        (gradients(broken=(True, False)), "depth: gradient NaN or infinite at step 3"),
        (
            gradients(weights=(1.0, 1e30)),
            "gradient of the network NaN or infinite at step 3 (largest weight: edge 1e+30)",
        ),
    ],
)
def test_first_cause_is_the_earliest_number_that_is_not_finite(found, line):
    assert first_cause(NAMES, 3, found)[0] == line


def test_run_without_a_step_has_failed_with_its_cause():
    done = progress(step=40, skipped=40, cause=first_cause(NAMES, 1, gradients(losses=(1.0, torch.inf))))
    line = failure(done, NAMES)
    assert line.startswith("edge: loss infinite at step 1, and all 40 steps were skipped: lower recipe.optimizer.lr")
    assert line.endswith("force=true")


def test_run_in_float16_without_a_step_needs_another_precision():
    assert "recipe.precision=bfloat16" in failure(progress(step=8, skipped=8), NAMES)


def test_task_without_a_label_in_any_batch_is_named():
    done = progress()
    done.add(gradients(active=(True, False)))
    assert failure(done, NAMES).startswith("edge: no valid label in any of 1 batches")
    done.add(gradients())
    assert failure(done, NAMES) is None


def test_divergence_names_the_first_skipped_step():
    assert divergence(progress(step=9), "depth").startswith("depth: predictions NaN or infinite after step 9: lower")
    done = progress(step=9, skipped=2, cause=("edge: loss NaN at step 5", "do this"))
    assert "first edge: loss NaN at step 5, 2 steps skipped: do this" in divergence(done, "depth")


def test_checkpoint_of_an_earlier_version_counts_its_steps_for_every_task():
    state = progress(counted=5).state_dict()
    del state["trained"]
    done = progress()
    done.load_state_dict(state)
    assert done.trained.tolist() == [5, 5]


def test_run_that_skips_all_steps_fails_without_evaluating_and_again_when_repeated(shared, tmp_path):
    words = ("weighter=grid_search", "dataset.grid_weights.edge=1e39")
    with pytest.raises(NotTrainedError, match=r"edge: weight infinite at step 1, and all 3 steps.*grid_weights"):
        trainer(tmp_path, shared, *words).fit()
    assert not (tmp_path / "best.pt").exists()
    assert not (tmp_path / "metrics.csv").exists()
    again = trainer(tmp_path, shared, *words)
    again._train_step = None  # not called
    with pytest.raises(NotTrainedError, match="edge: weight infinite at step 1"):
        again.fit()


def test_diverged_network_ends_the_run_at_the_next_evaluation(shared, tmp_path):
    with pytest.raises(NotTrainedError, match=r"depth: predictions NaN or infinite after step 2.*optimizer\.lr"):
        trainer(tmp_path, shared, "recipe.optimizer.lr=1e10", "recipe.evaluate=2").fit()


def test_evaluator_names_the_task_of_an_infinite_prediction(shared, tmp_path):
    run = trainer(tmp_path, shared)
    with torch.no_grad():
        next(run.model.heads["edge"].parameters()).fill_(torch.inf)
    with pytest.raises(DivergedError, match="edge: predictions NaN or infinite") as caught:
        run.evaluator.run(run.model)
    assert caught.value.task == "edge"
