"""Normals: float vectors of any length, bytes, and signed integers; everything else is rejected."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from mtl.data.stored import DamagedFileError, read_stored
from mtl.tasks import Noise
from mtl.tasks.normals import Normals

SIZE = (24, 32)
TRUTH = np.random.default_rng(0).normal(size=(3, *SIZE)) + np.array([0, 0, 1.5])[:, None, None]
TRUTH /= np.linalg.norm(TRUTH, axis=0)
LEAST = 0.18  # degrees: mean error of a vector in 8 bits


def error(vectors):
    """Mean angle to the truth, in degrees."""
    unit = vectors / np.linalg.norm(vectors, axis=0)
    return np.degrees(np.arccos(np.clip((unit * TRUTH).sum(axis=0), -1, 1))).mean()


def read(path, array=None):
    if array is not None:
        np.save(path, array)
    return Normals().read_prediction(read_stored(path, "normals"), SIZE)


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)], ids=["CHW", "HWC"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g"])
def test_real_vectors_of_every_type_and_order(tmp_path, kind, order, axes):
    array = TRUTH.transpose(axes).astype(np.dtype(kind).newbyteorder(order))
    assert error(read(tmp_path / "a.npy", array)) < 0.03
    assert error(read(tmp_path / "b.npy", 3 * array)) < 0.03


@pytest.mark.parametrize("way", [np.floor, np.round], ids=["cut", "rounded"])
def test_bytes_have_no_bias(tmp_path, way):
    stored = way((TRUTH + 1) / 2 * 255).astype(np.uint8)
    Image.fromarray(stored.transpose(1, 2, 0)).save(tmp_path / "a.png")
    assert error(read(tmp_path / "a.png")) < LEAST
    assert error(read(tmp_path / "b.npy", stored)) < LEAST
    ahead = np.zeros(SIZE)
    facing = way((np.stack([ahead, ahead, ahead + 1]) + 1) / 2 * 255).astype(np.uint8)
    assert np.abs(read(tmp_path / "c.npy", facing)[:2]).max() < 0.004


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32])
def test_signed_whole_numbers_are_fractions_of_their_largest(tmp_path, kind):
    most = np.iinfo(kind).max
    assert error(read(tmp_path / "a.npy", np.round(TRUTH * most).astype(kind))) < LEAST


def test_colours_of_a_palette_are_looked_up(tmp_path):
    pixels = np.round((TRUTH[:, :8, :8] + 1) / 2 * 255).astype(np.uint8).transpose(1, 2, 0)
    colours, places = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    image = Image.fromarray(places.reshape(8, 8).astype(np.uint8))
    image.putpalette(colours.ravel().tolist())
    image.save(tmp_path / "a.png")
    found = Normals().read_prediction(read_stored(tmp_path / "a.png", "normals"), (8, 8))
    assert np.abs(found - TRUTH[:, :8, :8]).max() < 1 / 254


REFUSED = {
    "from_0_to_1": ((TRUTH + 1) / 2, "not normals from -1 to 1: no component is negative"),
    "from_0_to_255": ((TRUTH + 1) / 2 * 255, "not normals from -1 to 1: no component is negative"),
    "bytes_as_int8": (np.round((TRUTH + 1) / 2 * 255).astype(np.uint8).view(np.int8), "not unit vectors times 127"),
    "bytes_as_int64": (np.round((TRUTH + 1) / 2 * 255).astype(np.int64), "not unit vectors times 9223372036854775807"),
    "16_bits": (np.round((TRUTH + 1) / 2 * 65535).astype(np.uint16), "not vectors of three numbers, real or bytes"),
    "grey": (TRUTH[0], "not vectors of three numbers"),
    "four_channels": (np.ones((4, *SIZE)), "not vectors of three numbers"),
    "truth_values": (TRUTH > 0, "not vectors of three numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_refused(tmp_path, case):
    content, message = REFUSED[case]
    with pytest.raises(DamagedFileError, match=rf"a.npy: holds .*{message}"):
        read(tmp_path / "a.npy", content)


def test_vectors_in_the_positive_octant_are_taken_if_they_have_length_one(tmp_path):
    assert np.allclose(read(tmp_path / "a.npy", np.abs(TRUTH)), np.abs(TRUTH))


def test_labels_in_bytes_are_decoded_as_the_archive_was_stored(tmp_path):
    pixels = np.array([[[128, 127, 128], [0, 128, 128]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    stored = read_stored(tmp_path / "a.png", "normals")
    assert np.allclose(Normals("invpt").read_label(stored), 2.0 * pixels.transpose(2, 0, 1) / 255 - 1, atol=1e-6)
    strict = Normals("strict").read_label(stored)
    assert not strict[:, 0, 0].any()
    assert np.linalg.norm(strict[:, 0, 1]) == pytest.approx(1)


def test_labels_mapped_to_0_to_1_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", ((TRUTH + 1) / 2).transpose(1, 2, 0))
    with pytest.raises(DamagedFileError, match="no component is negative"):
        Normals().read_label(read_stored(tmp_path / "a.npy", "normals"))


def test_unknown_word_is_refused():
    with pytest.raises(ValueError, match=r"dataset.png_normals=grey: use strict or invpt"):
        Normals("grey")


def corrupted(normals, deviation=0.25):
    noise = Noise("pixel", num_classes=2, categories=0, rate=0, deviations={"normals": deviation})
    return Normals().corrupt(normals, np.random.default_rng(0), noise)


def test_noise_tilts_unit_vectors():
    before = np.zeros((3, 64, 64), np.float32)
    before[2, 4:] = -1
    after = corrupted(before)
    assert after.dtype == np.float32
    length = np.linalg.norm(after, axis=0)
    assert (length[:4] == 0).all()
    np.testing.assert_allclose(length[4:], 1, atol=1e-6)
    tilt = np.degrees(np.arccos(-after[2, 4:]))
    assert 10 < tilt.mean() < 30  # 0.25 across each of two axes: about 18 degrees
    assert corrupted(after, 0.0) == pytest.approx(after, abs=1e-6)
    short = np.full((3, 2, 2), 1 / 255, np.float32)  # short vectors are valid: only the loader marks invalid ones
    assert np.linalg.norm(corrupted(short), axis=0) == pytest.approx(1, abs=1e-6)


def test_wall_that_faces_the_camera_is_light_blue():
    facing = np.zeros((3, 4, 4), np.float32)
    facing[2] = -1
    axes = Figure().add_subplot()
    Normals().draw(axes, facing)
    assert axes.get_images()[0].get_array()[0, 0].tolist() == [0.5, 0.5, 1.0]


def test_predictions_are_scaled_as_torch_does():
    prediction = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    prediction[:, 0, 0] = 0
    assert torch.equal(Normals().natural(prediction), torch.nn.functional.normalize(prediction, dim=0))
