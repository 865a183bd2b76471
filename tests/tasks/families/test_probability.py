"""Edges and saliency: bytes, floats from 0 to 1, booleans; everything else is rejected."""

import numpy as np
import pytest
from PIL import Image

from mtl.data.stored import DamagedFileError, read_stored
from mtl.tasks.edge import Edge
from mtl.tasks.saliency import Saliency

SIZE = (16, 16)
BYTES = np.arange(256, dtype=np.uint8).reshape(SIZE)
MASK = BYTES > 100


def probability(path, record):
    logits = record.read_prediction(read_stored(path, "edge"), SIZE).astype(np.float64)
    return 1 / (1 + np.exp(-(logits[-1] - (logits[0] if len(logits) == 2 else 0))))


@pytest.mark.parametrize("record", [Edge(), Saliency()], ids=["edge", "saliency"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["u1", "f2", "f4", "f8", "g"])
def test_bytes_and_real_numbers(tmp_path, record, kind, order):
    array = BYTES if kind == "u1" else BYTES / 255
    np.save(tmp_path / "a.npy", array.astype(np.dtype(kind).newbyteorder(order)))
    assert np.abs(probability(tmp_path / "a.npy", record) - BYTES / 255).max() < 0.005


@pytest.mark.parametrize("record", [Edge(), Saliency()], ids=["edge", "saliency"])
def test_images_are_read_as_they_look(tmp_path, record):
    Image.fromarray(BYTES).save(tmp_path / "plain.png")
    Image.fromarray(BYTES[..., None].repeat(3, axis=2)).save(tmp_path / "colours.png")
    Image.fromarray(np.dstack([BYTES] * 3 + [np.full(SIZE, 255, np.uint8)])).save(tmp_path / "opaque.png")
    inverted = Image.fromarray(255 - BYTES)
    inverted.putpalette((255 - np.arange(256)).repeat(3).tolist())
    inverted.save(tmp_path / "palette.png")
    for name in ("plain", "colours", "opaque", "palette"):
        assert np.abs(probability(tmp_path / f"{name}.png", record) - BYTES / 255).max() < 0.005, name


@pytest.mark.parametrize("record", [Edge(), Saliency()], ids=["edge", "saliency"])
def test_masks_of_one_bit(tmp_path, record):
    Image.fromarray(MASK).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", MASK)
    for name in ("a.png", "b.npy"):
        assert np.abs(probability(tmp_path / name, record) - MASK).max() < 0.005


REFUSED = {
    "bytes_of_a_mask": (MASK.astype(np.uint8), "only the bytes 0 and 1"),
    "bytes_as_whole_numbers": (BYTES.astype(np.int64), "not bytes, or probabilities from 0 to 1"),
    "bytes_as_real_numbers": (BYTES.astype(np.float32), "from 0.0 to 255.0, not bytes, or probabilities"),
    "logits": (np.linspace(-3, 3, 256).reshape(SIZE), "from -3.0 to 3.0, not bytes"),
    "two_channels": (np.stack([BYTES, BYTES]), "not bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_refused(tmp_path, case):
    content, message = REFUSED[case]
    np.save(tmp_path / "a.npy", content)
    for record in (Edge(), Saliency()):
        with pytest.raises(DamagedFileError, match=rf"a.npy: holds .*{message}"):
            record.read_prediction(read_stored(tmp_path / "a.npy", "edge"), SIZE)


def test_labels(tmp_path):
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", np.array([[0, 1.0], [1, 0]], ">f4"))
    for name in ("a.png", "b.npy"):
        assert Edge().read_label(read_stored(tmp_path / name, "edge")).tolist() == [[[0, 1], [1, 0]]]
    Image.fromarray(np.array([[127, 128]], np.uint8)).save(tmp_path / "c.png")
    assert Saliency().read_label(read_stored(tmp_path / "c.png", "saliency")).tolist() == [[[0, 1]]]
