import io
import zipfile

import pytest
import torch

from mtl.files import write_json
from mtl.run.checkpoint import load_checkpoint, load_last, load_weights, save_checkpoint, save_last
from mtl.run.identity import digest
from mtl.run.seal import check


@pytest.fixture
def state() -> dict:
    return {"model": torch.nn.Linear(40, 30).state_dict(), "step": 3}


def of_run(folder, config=None, seed=0):
    """The folder of a run, as training leaves it."""
    write_json(folder / f"seed{seed}" / "science.json", config or {"subset": ["depth"]})
    return folder / f"seed{seed}"


def test_every_flipped_byte_and_every_cut_is_noticed(tmp_path, state):
    save_checkpoint(state, path := tmp_path / "best.pt")
    whole = path.read_bytes()
    check(io.BytesIO(whole))
    flipped = (whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :] for place in range(len(whole)))
    for content in (*flipped, *(whole[:length] for length in range(len(whole))), whole + b"\0", b"\0" + whole):
        with pytest.raises(ValueError, match="it is not what was written there"):
            check(io.BytesIO(content))


def test_damaged_checkpoint_is_named(tmp_path, state):
    save_checkpoint(state, path := tmp_path / "best.pt")
    whole, data = path.read_bytes(), state["model"]["weight"].numpy().tobytes()
    path.write_bytes(whole.replace(data, data[::-1]))
    with pytest.raises(ValueError, match=r"best\.pt is corrupt or not a checkpoint \(it is not what"):
        load_checkpoint(path)


def test_torch_reads_a_sealed_checkpoint(tmp_path, state):
    save_checkpoint(state, path := tmp_path / "best.pt")
    assert torch.equal(torch.load(path, weights_only=True)["model"]["weight"], state["model"]["weight"])
    assert zipfile.ZipFile(path).comment.startswith(b"crc32 ")


def test_tensors_of_an_unsealed_checkpoint_are_checked_too(tmp_path, state):
    torch.save(state, path := tmp_path / "best.pt")
    assert load_checkpoint(path)["step"] == 3
    whole, data = path.read_bytes(), state["model"]["weight"].numpy().tobytes()
    place = whole.index(data) + 100
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(ValueError, match=r"best\.pt is corrupt or not a checkpoint \(best/data/\d in it"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"seed": 1}, r"has seed 0, and the folder seed 1"),
        ({"config": {"subset": ["edge"]}}, rf"has hash {digest({'subset': ['depth']})}, and the folder hash"),
    ],
    ids=["seed", "config"],
)
def test_checkpoint_of_another_run_is_refused(tmp_path, state, other, reason):
    one, two = of_run(tmp_path / "one"), of_run(tmp_path / "two", **other)
    save_checkpoint(state, one / "best.pt")
    (one / "best.pt").rename(two / "best.pt")
    with pytest.raises(ValueError, match=rf"best\.pt is of another run: it {reason}"):
        load_checkpoint(two / "best.pt")


def test_run_falls_back_from_the_last_state_of_another(tmp_path, state, caplog):
    one, two = of_run(tmp_path / "one"), of_run(tmp_path / "two", {"subset": ["edge"]})
    for step in (1, 2):
        save_last(state | {"step": step}, two)
    save_last(state | {"step": 9}, one)
    (one / "last.pt").rename(two / "last.pt")
    assert load_last(two)["step"] == 1
    assert "last.pt is of another run" in caplog.text


def test_checkpoint_moves_with_its_run_and_an_old_one_is_accepted_with_a_warning(tmp_path, state, caplog):
    save_checkpoint(state, of_run(tmp_path / "one") / "best.pt")
    (tmp_path / "one" / "seed0").rename(tmp_path / "kitchen")
    assert load_checkpoint(tmp_path / "kitchen" / "best.pt")["step"] == 3
    assert not caplog.text
    torch.save(state, tmp_path / "kitchen" / "best.pt")
    assert load_checkpoint(tmp_path / "kitchen" / "best.pt")["step"] == 3
    assert "best.pt does not say of which run it is" in caplog.text


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_for_use_must_be_finite(tmp_path, state, value):
    state["model"]["bias"][7] = value
    save_checkpoint(state, tmp_path / "best.pt")
    with pytest.raises(ValueError, match=r"best\.pt: bias contains NaN or infinity; train the run again"):
        load_weights(torch.nn.Linear(40, 30), tmp_path / "best.pt", "does not fit")


@pytest.mark.parametrize(
    "content", [{}, {"model": 3}, {"model": {"weight": "x", "bias": 1}}, {"model": {1: 2}}], ids=str
)
def test_weights_that_do_not_fit_are_named(tmp_path, content):
    save_checkpoint(content, tmp_path / "best.pt")
    with pytest.raises(ValueError, match=r"best\.pt does not fit \("):
        load_weights(torch.nn.Linear(40, 30), tmp_path / "best.pt", "does not fit")
