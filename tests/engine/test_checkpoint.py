import pytest
import torch

from mtl.engine import checkpoint


def test_checkpoint_comes_back_without_running_code(tmp_path):
    state = {"model": {"w": torch.ones(2)}, "step": 3, "best": {"scores": {"depth": {"rmse": 0.5}}}}
    checkpoint.save_checkpoint(state, tmp_path / "new" / "last.pt")
    loaded = checkpoint.load_checkpoint(tmp_path / "new" / "last.pt")
    assert loaded["best"] == state["best"]
    assert torch.equal(loaded["model"]["w"], torch.ones(2))


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    checkpoint.save_json({"step": 1}, tmp_path / "record.json")
    monkeypatch.setattr(checkpoint.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save_json({"step": 2}, tmp_path / "record.json")
    assert '"step": 1' in (tmp_path / "record.json").read_text()
