import torch

from mtl.engine import checkpoint


def test_checkpoint_comes_back_without_running_code(tmp_path):
    state = {"model": {"w": torch.ones(2)}, "step": 3, "best": {"scores": {"depth": {"rmse": 0.5}}}}
    checkpoint.save_checkpoint(state, tmp_path / "new" / "last.pt")
    loaded = checkpoint.load_checkpoint(tmp_path / "new" / "last.pt")
    assert loaded["best"] == state["best"]
    assert torch.equal(loaded["model"]["w"], torch.ones(2))
