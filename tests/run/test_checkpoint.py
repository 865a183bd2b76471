import pytest
import torch

from mtl.run.checkpoint import keep_weights, load_checkpoint, load_last, save_checkpoint, save_last


def test_checkpoint_comes_back_without_running_code(tmp_path):
    state = {"model": {"w": torch.ones(2)}, "step": 3, "best": {"scores": {"depth": {"rmse": 0.5}}}}
    save_checkpoint(state, tmp_path / "new" / "best.pt")
    loaded = load_checkpoint(tmp_path / "new" / "best.pt")
    assert loaded["best"] == state["best"]
    assert torch.equal(loaded["model"]["w"], torch.ones(2))


def test_newest_state_wins(tmp_path):
    assert load_last(tmp_path) is None
    for step in (1, 2, 3):
        save_last({"step": step}, tmp_path)
    assert load_last(tmp_path) == {"step": 3}


@pytest.mark.parametrize(
    ("keep", "names"),
    [("best", ["best.pt"]), ("last", ["last.pt"]), ("both", ["best.pt", "last.pt"]), ("none", [])],
)
def test_finished_run_keeps_the_weights_that_it_is_told_and_nothing_else(tmp_path, keep, names):
    save_checkpoint({"model": {"w": torch.ones(2)}}, tmp_path / "best.pt")
    for step in (1, 2):
        save_last({"step": step, "model": {"w": torch.full((2,), step)}, "optimizer": {}}, tmp_path)
    keep_weights(tmp_path, keep)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    if "last.pt" in names:
        left = load_checkpoint(tmp_path / "last.pt")
        assert left["model"]["w"].tolist() == [2, 2]
        assert left.keys() == {"model"}


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing", "other bytes"])
def test_damaged_state_falls_back_to_the_one_before_and_says_so(tmp_path, caplog, damage):
    for step in (1, 2):
        save_last({"step": step, "model": torch.ones(1000)}, tmp_path)
    last = tmp_path / "last.pt"
    if damage == "missing":  # killed between the two renames
        last.unlink()
    else:
        last.write_bytes({"truncated": last.read_bytes()[:2000], "empty": b"", "other bytes": b"x" * 3000}[damage])
    assert load_last(tmp_path)["step"] == 1
    assert ("last.pt is corrupt" in caplog.text) == (damage != "missing")


def test_two_damaged_states_are_refused_with_the_way_out(tmp_path):
    for step in (1, 2):
        save_last({"step": step}, tmp_path)
    for name in ("last.pt", "previous.pt"):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="force=true"):
        load_last(tmp_path)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "pickle"])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_damage_ends_in_a_traceback(tmp_path, zipped):
    torch.save({"model": {"weight": torch.zeros(3)}}, tmp_path / "x.pt", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "x.pt").read_bytes()
    draws = torch.Generator().manual_seed(0)
    for length in range(0, len(whole), 31):
        damaged = bytearray(whole) if length else bytearray(b"<html>")
        damaged[torch.randint(len(damaged), (), generator=draws)] ^= 255
        for content in (whole[:length], bytes(damaged)):
            (tmp_path / "x.pt").write_bytes(content)
            try:
                load_checkpoint(tmp_path / "x.pt")
            except ValueError as error:
                assert str(error).startswith(f"{tmp_path}/x.pt is ")  # noqa: PT017 - some damage does not show
