"""Files of every format are read, or rejected with a description of their contents."""

import io

import cv2
import numpy as np
import pytest
import scipy.io
from PIL import Image

from mtl.data.stored import DamagedFileError, read_stored

NUMBERS = np.arange(12.0).reshape(3, 4)


def test_the_formats_hold_the_same_numbers(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(NUMBERS))
    np.savez(tmp_path / "b.npz", NUMBERS)
    np.savez_compressed(tmp_path / "c.npz", depth=NUMBERS, other=np.zeros(2))
    scipy.io.savemat(tmp_path / "d.mat", {"depth": NUMBERS})
    Image.fromarray(NUMBERS.astype(np.uint8)).save(tmp_path / "e.PNG")
    for path in tmp_path.iterdir():
        assert np.array_equal(read_stored(path, "depth").numbers, NUMBERS), path.name


def written(array, save=np.save, **options):
    save(raw := io.BytesIO(), array, **options)
    return raw.getvalue()


def image(mode, size=(3, 3), kind="PNG"):
    Image.new(mode, size).save(raw := io.BytesIO(), kind)
    return raw.getvalue()


REFUSED = {
    "a.npy": {
        "cut": (written(NUMBERS)[:-9], "probably truncated at 215 bytes"),
        "nothing": (b"", "probably truncated at 0 bytes"),
        "words": (b"depth in metres", "holds pickled Python objects|cannot be read"),
        "huge": (written(NUMBERS).replace(b"(3, 4)", b"(3, 4444444444444444444)"), "cannot be read"),
        "records": (written(np.zeros(3, "i4,f4")), "holds .* of shape \\(3,\\), not numbers"),
    },
    "a.npz": {
        "cut": (written(NUMBERS, np.savez)[:-30], "probably truncated at"),
        "two": (b"", ""),
    },
    "a.mat": {
        "cut": (written({"depth": NUMBERS}, scipy.io.savemat)[:-9], "probably truncated at"),
        "other": (written({"pred": NUMBERS}, scipy.io.savemat), "has no variable depth, only pred"),
        "version_7_3": (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400), "is a MATLAB 7.3 file"),
        "words": (written({"depth": "far"}, scipy.io.savemat), "holds <U3 of shape \\(1,\\), not numbers"),
    },
    "a.png": {
        "jpeg": (image("RGB", kind="JPEG"), "is a JPEG image; save PNG"),
        "transparent": (image("RGBA"), "is partly transparent"),
        "giant": (
            image("L", (1, 1)).replace(b"\x00\x00\x00\x01" * 2, b"\x00\x00\xea\x60" * 2),
            "cannot be read|claims more",
        ),
        "deep_colours": (cv2.imencode(".png", np.ones((3, 3, 3), np.uint16))[1].tobytes(), "has 16-bit colours"),
    },
}
REFUSED["a.npz"]["two"] = (
    written(NUMBERS, lambda file, array: np.savez(file, a=array, b=array)),
    "the arrays a, b; save one",
)
CASES = [(name, case) for name, cases in REFUSED.items() for case in cases]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{case}{name[1:]}" for name, case in CASES])
def test_what_is_no_such_file_is_named(tmp_path, name, case):
    content, message = REFUSED[name][case]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedFileError, match=message) as caught:
        read_stored(tmp_path / name, "depth")
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(caught.value)


def test_missing_files_are_named_with_what_was_probably_meant(tmp_path):
    (tmp_path / "0001.PNG").write_bytes(b"")
    (tmp_path / "b.npy").mkdir()
    for name, message in {
        "0001.png": "missing, but 0001.PNG is there: rename it",
        "c.npy": "missing$",
        "b.npy": "folder",
    }.items():
        with pytest.raises(DamagedFileError, match=rf"{name}: .*{message}"):
            read_stored(tmp_path / name, "depth")
