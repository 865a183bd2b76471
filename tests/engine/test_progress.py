import pytest
import torch

import mtl
from mtl.engine.progress import Progress


def step(weights: list[float], losses: list[float]) -> mtl.Gradients:
    weights, losses = torch.tensor(weights), torch.tensor(losses)
    everywhere = torch.ones(2, dtype=torch.bool)
    return mtl.Gradients(losses, weights, weights, everywhere, None, None, ~everywhere)


def progress() -> Progress:
    return Progress(weights=torch.zeros(2, dtype=torch.float64))


def test_losses_are_averaged_since_the_last_time():
    done = progress()
    done.add(step([1, 2], [1, 10]))
    done.add(step([3, 4], [3, 30]))
    assert done.mean_losses().tolist() == [2, 20]
    done.add(step([5, 6], [7, 70]))
    assert done.mean_losses().tolist() == [7, 70]
    assert (done.weights / done.counted).tolist() == [3, 4]


def test_of_equally_good_evaluations_the_latest_is_the_best():
    done = progress()
    assert done.scored({"step": 1, "selection": 0.5})
    assert not done.scored({"step": 2, "selection": 0.4})
    assert done.scored({"step": 3, "selection": 0.5})
    assert (done.best["step"], done.last["step"]) == (3, 3)


def test_state_goes_on_where_it_was_saved(tmp_path):
    done = progress()
    done.add(step([1, 2], [1, 10]))
    done.scored({"step": 1, "selection": 0.5})
    done.step = 5
    torch.save(done.state_dict(), tmp_path / "state")
    again = progress()
    again.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    again.add(step([1, 2], [3, 30]))
    assert (again.step, again.best["step"]) == (5, 1)
    assert again.mean_losses().tolist() == pytest.approx([2, 20])
