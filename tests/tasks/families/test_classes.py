"""Class maps: how files are decoded to classes, including colours and palettes."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mtl.data.stored import DamagedFileError, read_stored
from mtl.tasks.families.classes import palette as class_colours
from mtl.tasks.families.colours import voc_colours
from mtl.tasks.semseg import Semseg

SIZE = (4, 6)
CLASSES = np.arange(24).reshape(SIZE) % 13
K = 13
VOC = [  # from the development kit
    *((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)),
    *((128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0), (64, 0, 128), (192, 0, 128)),
    *((64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0), (0, 192, 0), (128, 192, 0), (0, 64, 128)),
]
GREY = np.arange(256)[:, None].repeat(3, axis=1)
OTHER = np.random.default_rng(0).integers(0, 256, (256, 3))


def image(path, pixels, palette=None, **options):
    drawn = Image.fromarray(np.asarray(pixels, np.uint8))
    if palette is not None:
        drawn.putpalette(np.asarray(palette, np.uint8).ravel().tolist())
    drawn.save(path, **options)
    return read_stored(path, "semseg")


def compacted(pixels):
    """Indices and palette of an optimised image, whose palette has only the colours in use."""
    colours, places = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    order = np.random.default_rng(1).permutation(len(colours))
    return np.argsort(order)[places].reshape(pixels.shape[:2]), colours[order]


def guess(stored, first=0):
    return Semseg(K, first).read_prediction(stored, SIZE).argmax(axis=0)


def test_colour_map_is_that_of_pascal_voc():
    assert voc_colours(21).tolist() == [list(colour) for colour in VOC]
    assert voc_colours(256)[255].tolist() == [224, 224, 192]  # void


@pytest.mark.parametrize("palette", [voc_colours(256), voc_colours(K), OTHER, OTHER[:K], GREY], ids=len)
def test_index_images_keep_their_indices(tmp_path, palette):
    assert np.array_equal(guess(image(tmp_path / "a.png", CLASSES, palette)), CLASSES)


def test_padding_of_a_palette_changes_nothing(tmp_path):
    padded = np.concatenate([voc_colours(K), np.zeros((256 - K, 3))])
    assert np.array_equal(guess(image(tmp_path / "a.png", CLASSES, padded), first=1), CLASSES)


def test_a_compacted_grey_palette_is_looked_up(tmp_path):
    indices, palette = compacted(CLASSES[..., None].repeat(3, axis=2))
    assert not np.array_equal(indices, CLASSES)
    assert np.array_equal(guess(image(tmp_path / "a.png", indices, palette)), CLASSES)
    label = Semseg(K).read_label(image(tmp_path / "b.png", indices, palette))
    assert np.array_equal(label, CLASSES[None])


@pytest.mark.parametrize("first", [0, 1])
def test_colours_count_from_the_first_number_of_the_label_files(tmp_path, first):
    colours = voc_colours(41)[CLASSES + first]
    assert np.array_equal(guess(image(tmp_path / "a.png", colours), first), CLASSES)
    opaque = np.dstack([colours, np.full(SIZE, 255)])
    assert np.array_equal(guess(image(tmp_path / "b.png", opaque), first), CLASSES)
    assert np.array_equal(guess(image(tmp_path / "c.png", *compacted(colours)), first), CLASSES)


def test_colours_of_two_grey_classes_are_not_taken_for_grey_values(tmp_path):
    two = np.where(CLASSES > 6, 7, 0)  # 7 is (128, 128, 128)
    assert np.array_equal(guess(image(tmp_path / "a.png", voc_colours(21)[two])), two)


def test_grey_values_in_three_channels_are_classes(tmp_path):
    assert np.array_equal(guess(image(tmp_path / "a.png", CLASSES[..., None].repeat(3, axis=2))), CLASSES)


def test_unknown_colours_are_named(tmp_path):
    colours = voc_colours(21)[CLASSES]
    colours[2, 3] = (224, 223, 192)  # what SAK saves for pixels without a class
    with pytest.raises(
        DamagedFileError, match=r"colour \(224, 223, 192\) at row 2, column 3 is not one of the first 13"
    ):
        guess(image(tmp_path / "a.png", colours))
    black = voc_colours(41)[np.zeros(SIZE, int)]
    black[0, 0] = (128, 0, 0)
    with pytest.raises(DamagedFileError, match=r"label 0 at row 0, column 1, but labels are 1 to 13"):
        guess(image(tmp_path / "b.png", black), first=1)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_classes_of_every_type_and_byte_order(tmp_path, kind, order):
    np.save(tmp_path / "a.npy", CLASSES.astype(f"{order}{kind}"))
    assert np.array_equal(guess(read_stored(tmp_path / "a.npy", "semseg")), CLASSES)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)], ids=["KHW", "HWK"])
def test_scores_of_every_type_and_byte_order(tmp_path, kind, order, axes):
    scores = np.random.default_rng(0).normal(size=(K, *SIZE)).astype(np.float16)
    dtype = np.dtype(kind).newbyteorder(order)
    np.save(tmp_path / "a.npy", scores.transpose(axes).astype(dtype)[None])
    found = Semseg(K).read_prediction(read_stored(tmp_path / "a.npy", "semseg"), SIZE)
    assert np.array_equal(found, scores)
    assert found.dtype in (np.float32, np.float64)


def test_size_tells_the_axes_of_scores_apart(tmp_path):
    scores = np.random.default_rng(0).normal(size=(4, 5, 4)).astype(np.float32)
    np.save(tmp_path / "a.npy", scores)
    stored = read_stored(tmp_path / "a.npy", "semseg")
    assert np.array_equal(Semseg(4).read_prediction(stored, (5, 4)), scores)
    assert np.array_equal(Semseg(4).read_prediction(stored, (4, 5)), scores.transpose(2, 0, 1))
    np.save(tmp_path / "b.npy", scores[:, :4])
    with pytest.raises(DamagedFileError, match="channels may be the first or the last axis"):
        Semseg(4).read_prediction(read_stored(tmp_path / "b.npy", "semseg"), (4, 4))


REFUSED = {
    "truth_values": (CLASSES > 3, "not classes from 0 to 12, or scores of 13 classes"),
    "fractions": (CLASSES + 0.5, "not classes from 0 to 12"),
    "negative": (CLASSES - 1, "from -1 to 11, not classes"),
    "too_many": (CLASSES + 1.0, "label 13.0 at row 2, column 0, but labels are 0 to 12"),
    "one_hot": ((np.arange(K)[:, None, None] == CLASSES).astype(np.uint8), "not classes from 0 to 12"),
    "vast": (CLASSES + 1e300, "label 1e\\+300"),
    "flat": (CLASSES.ravel(), r"of shape \(24,\), from 0 to 12, not classes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_everything_else_is_refused(tmp_path, case):
    content, message = REFUSED[case]
    np.save(tmp_path / "a.npy", content)
    with pytest.raises(DamagedFileError, match=rf"a.npy: .*{message}"):
        guess(read_stored(tmp_path / "a.npy", "semseg"))


def test_labels_are_shifted_and_checked(tmp_path):
    record = Semseg(40, first=1, void=0)
    stored = image(tmp_path / "a.png", CLASSES)
    assert np.array_equal(record.read_label(stored)[0], np.where(CLASSES == 0, 255, CLASSES - 1))
    with pytest.raises(DamagedFileError, match=r"label 41 at row 0, column 0, but labels are 0 \(unlabelled\) to 40"):
        record.read_label(image(tmp_path / "b.png", np.full(SIZE, 41)))
    with pytest.raises(DamagedFileError, match=r"label 21 at row 0, column 0, but labels are 0 to 20 and 255"):
        Semseg(21).read_label(image(tmp_path / "c.png", np.full(SIZE, 21)))


def test_legend_names_the_largest_classes_first():
    labels = np.array([[0, 0, 0, 2], [0, 0, 7, 7]], np.uint8)
    axes = Figure().add_subplot()
    Semseg().draw(axes, labels, ["wall", "floor", "upper_arm"])
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["wall 62%", "class 7 25%", "upper arm 12%"]


def test_colours_of_classes_are_distinct_and_stay():
    colours = class_colours(101)
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=2) + np.eye(101)
    assert distances.min() > 0.01
    assert distances[:21, :21].min() > 0.1
    assert np.array_equal(class_colours(13), colours[:13])
