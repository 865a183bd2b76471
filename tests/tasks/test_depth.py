"""Depth: metres, or integers with a given unit."""

import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from mtl.data.stored import DamagedFileError, read_stored
from mtl.tasks import Noise
from mtl.tasks.depth import Depth

METRES = np.random.default_rng(0).uniform(0.5, 9.5, (4, 6))
SIZE = (4, 6)


def read(path, unit=None):
    return Depth(unit).read_prediction(read_stored(path, "depth"), SIZE)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g"])
def test_real_numbers_are_metres(tmp_path, kind, order):
    np.save(tmp_path / "a.npy", METRES.astype(np.dtype(kind).newbyteorder(order)))
    found = read(tmp_path / "a.npy")
    assert found.dtype == np.float32
    assert found == pytest.approx(METRES[None], abs=4e-3)


@pytest.mark.parametrize("shape", [(4, 6), (1, 4, 6), (4, 6, 1), (1, 1, 4, 6)], ids=str)
def test_axes_of_length_one_do_not_matter(tmp_path, shape):
    np.save(tmp_path / "a.npy", METRES.reshape(shape))
    assert read(tmp_path / "a.npy") == pytest.approx(METRES[None])


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["u2", "i2", "i4", "u8", "f4", "f8"])
def test_the_unit_applies_to_every_type(tmp_path, kind, order):
    np.save(tmp_path / "a.npy", np.round(1000 * METRES).astype(f"{order}{kind}"))
    assert read(tmp_path / "a.npy", unit=0.001) == pytest.approx(METRES[None], abs=6e-4)
    with pytest.raises(DamagedFileError, match=r"such as (depth_unit=)?0.001"):
        read(tmp_path / "a.npy")


def test_grey_images_are_read_as_they_look(tmp_path):
    grey = np.round(25 * METRES).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "plain.png")
    palette = np.unique(grey)  # as optimisers of PNG files do
    small = Image.fromarray(np.searchsorted(palette, grey).astype(np.uint8))
    small.putpalette(palette.repeat(3).tolist())
    small.save(tmp_path / "palette.png")
    Image.fromarray(grey[..., None].repeat(3, axis=2)).save(tmp_path / "colours.png")
    Image.fromarray(np.round(1000 * METRES).astype(np.uint16)).save(tmp_path / "deep.png")
    for name in ("plain", "palette", "colours"):
        assert read(tmp_path / f"{name}.png", unit=0.04) == pytest.approx(METRES[None], abs=0.021)
    assert read(tmp_path / "deep.png", unit=0.001) == pytest.approx(METRES[None], abs=6e-4)


def test_a_palette_of_colours_is_refused(tmp_path):
    image = Image.fromarray(np.round(25 * METRES).astype(np.uint8))
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    image.save(tmp_path / "a.png")
    with pytest.raises(DamagedFileError, match=r"a.png: has a colour palette; save grey values"):
        read(tmp_path / "a.png", unit=0.04)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat"])
def test_nan_is_refused_in_every_format(tmp_path, suffix):
    depth, path = METRES.copy(), tmp_path / f"a{suffix}"
    depth[1, 2:4] = np.nan
    write = {".npy": np.save, ".npz": np.savez, ".mat": lambda path, depth: scipy.io.savemat(path, {"depth": depth})}
    write[suffix](path, depth)
    with pytest.raises(DamagedFileError, match=rf"a{suffix}: 2 of its 24 values are NaN or infinite"):
        read(path)


REFUSED = {
    "millimetres": (1000 * METRES, r"depth reaches [0-9.]+ m, so the unit is not metres"),
    "truth_values": (METRES > 3, "not a map of metres"),
    "colours": (METRES[..., None].repeat(3, axis=2), "not a map of metres"),
    "wrapped": ((5000 * METRES).astype(np.uint16).view(np.int16), "(never negative|holds integers)"),
    "empty": (METRES[:0], r"holds float64 of shape \(0, 6\), which is empty"),
    "complex": (METRES + 0j, "holds complex128 of shape"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_refused(tmp_path, case):
    content, message = REFUSED[case]
    np.save(tmp_path / "a.npy", content)
    for unit in (None, 1.0):
        with pytest.raises(DamagedFileError, match=rf"a.npy: .*{message}"):
            read(tmp_path / "a.npy", unit)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "pickle"])
def test_an_array_saved_by_torch_is_named(tmp_path, new):
    torch.save(torch.tensor(METRES), tmp_path / "a.npy", _use_new_zipfile_serialization=new)
    with pytest.raises(DamagedFileError, match=r"a.npy: (written by torch.save|holds pickled Python objects)"):
        read(tmp_path / "a.npy")


def test_labels_are_metres_or_16_bits(tmp_path):
    Image.fromarray(np.array([[512, 65535], [0, 256]], np.uint16)).save(tmp_path / "a.png")
    assert Depth(1 / 512, void=65535).read_label(read_stored(tmp_path / "a.png", "depth")).tolist() == [
        [[1, 0], [0, 0.5]]
    ]
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(DamagedFileError, match=r"not 16-bit, in 0.00195312 m"):
        Depth(1 / 512).read_label(read_stored(tmp_path / "b.png", "depth"))
    np.save(tmp_path / "c.npy", 1000 * METRES)
    with pytest.raises(DamagedFileError, match="so the unit is not metres"):
        Depth().read_label(read_stored(tmp_path / "c.npy", "depth"))


def test_noise_is_gaussian_and_leaves_depth_valid():
    before = np.full((1, 64, 64), 2, np.float32)
    before[:, :4] = 0
    after = corrupted(before, 0.25)
    assert after.dtype == np.float32
    error = (after - before)[before > 0]
    assert error.mean() == pytest.approx(0, abs=0.02)
    assert error.std() == pytest.approx(0.25, abs=0.02)
    assert (after[before == 0] == 0).all()
    assert corrupted(np.full((1, 50, 50), 0.1, np.float32), 9.0).min() == np.float32(1e-3)


def corrupted(depth, deviation):
    noise = Noise("pixel", num_classes=2, categories=0, rate=0, deviations={"depth": deviation})
    return Depth().corrupt(depth, np.random.default_rng(0), noise)


def test_twice_as_large_is_half_as_far():
    assert Depth().zoomed(torch.tensor([[[4.0, 0.0]]]), 2.0).tolist() == [[[2.0, 0.0]]]
