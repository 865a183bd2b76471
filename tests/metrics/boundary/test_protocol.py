import pickle

import cv2
import numpy as np
import pytest
from protocols import plain
from skimage.morphology import thin

from mtl import build
from mtl.metrics import Protocol
from mtl.metrics.boundary import boundary_counts
from mtl.metrics.boundary.compiled import suppress

HUNDREDTHS = [k / 100 for k in range(1, 100)]
TABLE = {  # thresholds, strict, nms, taper, smooth and quantise, lines as partition, interpolate
    "seism": ([0.001, *HUNDREDTHS, 0.999], True, 1, 5, False, True, False),
    "sak": (HUNDREDTHS, False, 4, 5, True, True, False),
    "survey": (HUNDREDTHS, False, 0, 0, False, False, False),
    "bsds": (HUNDREDTHS, False, 1, 5, True, False, True),
    "rooms": ([0.001, *HUNDREDTHS, 0.999], True, 1, 0, False, False, False),
}


def from_config(name, *words) -> Protocol:
    cfg = build.compose([f"protocol={name}", "subset=edge", *words])
    return build.build_tasks(cfg)[0].metric.protocol


@pytest.mark.parametrize("name", TABLE)
def test_presets_are_those_of_the_literature(name):
    p = from_config(name)
    facts = (p.grid.tolist(), p.strict, p.nms, p.taper, p.smooth, p.lines_as_partition, p.interpolate)
    assert facts == TABLE[name]
    assert p.quantise == p.smooth
    assert (p.name, p.preset, p.images()) == (name, name, None)


def random_image(seed=0):
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.random((40, 50)).astype(np.float32), (0, 0), 1.5)
    noise = (noise - noise.min()) / (noise.max() - noise.min())
    boundary = np.zeros((1, 40, 50), bool)
    boundary[0, :, ::9] = True
    return (255 * noise).astype(np.uint8), boundary


def test_sak_smooths_suppresses_at_radius_four_and_stores_8_bits():
    probability, boundary = random_image()
    padded = np.pad(probability.astype(np.float32) / np.float32(255), 1, mode="symmetric")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    smooth = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    pixels, values = suppress(smooth, radius=4, taper=5)
    stored = np.zeros(smooth.shape, np.uint8)
    stored.flat[pixels] = np.floor(values * np.float32(255) + np.float32(0.5))
    lines = thin(seg2bmap_by_loops(boundary[0]))
    expected = boundary_counts(
        stored, lines, thresholds=np.arange(1, 100) / 100, max_distance=0.02, nms=False, strict=False
    )
    assert expected[1, 0] > 20
    assert np.array_equal(from_config("sak").counts(probability, boundary, max_distance=0.02), expected)


def seg2bmap_by_loops(lines):
    """A pixel is marked where it differs from its east, south or south-east neighbour."""
    height, width = lines.shape
    marks = np.zeros_like(lines)
    for y in range(height):
        for x in range(width):
            others = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
            marks[y, x] = any(lines[a, b] != lines[y, x] for a, b in others if a < height and b < width)
    return marks


@pytest.mark.parametrize("name", ["sak", "seism"])
def test_lines_of_nyud_are_taken_for_a_partition(name):
    lines = np.zeros((40, 50), bool)
    lines[7:30, 12], lines[20, 5:44], lines[33:36, 20:28] = True, True, True
    p = from_config(name, "dataset=nyud")
    assert np.array_equal(p.boundary(lines[None])[0], thin(seg2bmap_by_loops(lines)))


def test_survey_does_nothing_but_thin():
    probability, boundary = random_image(1)
    expected = boundary_counts(
        probability, boundary[0], thresholds=np.arange(1, 100) / 100, max_distance=0.02, nms=False, strict=False
    )
    assert np.array_equal(from_config("survey").counts(probability, boundary, max_distance=0.02), expected)


def test_image_list_is_a_word_on_the_command_line(tmp_path):
    file = tmp_path / "test_new.txt"
    file.write_text("2008_000003\n2008_000009\n\n")
    p = from_config("seism", f"protocol.image_list={file}")
    assert p.images() == {"2008_000003", "2008_000009"}
    assert p.preset == "seism/test_new"


@pytest.mark.parametrize(
    ("content", "message"), [(None, "cannot read"), ("", "0 ids"), ("a\nb\na\n", "3 ids, 2 of them different")]
)
def test_image_list_that_is_none_is_refused_by_name(tmp_path, content, message):
    file = tmp_path / "list.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=rf"protocol.image_list=.*list.txt: .*{message}"):
        plain(image_list=file).images()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thresholds": 0, "ends": []}, "thresholds=0"),
        ({"ends": [1.5]}, "1.5"),
        ({"nms": -1}, "nms=-1"),
        ({"nms": 0, "taper": 5}, "taper=5"),
        ({"nms": 0, "smooth": True}, "smooth=True"),
    ],
)
def test_an_impossible_protocol_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        plain(**change)


def test_protocol_of_a_config_travels_to_another_process_without_its_config():
    p = from_config("seism")
    assert pickle.loads(pickle.dumps(p)) == p
    assert b"omegaconf" not in pickle.dumps(p)
