import io

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from mtl.report.render.picture import DRAW, draw_classes, draw_normals, palette, picture
from mtl.task import TASK_ORDER

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(256, size=(24, 36, 3), dtype=np.uint8)


def prediction(task, height=24, width=36):
    if task in ("semseg", "human_parts"):
        return RANDOM.integers(5, size=(height, width), dtype=np.uint8)
    if task == "normals":
        vectors = RANDOM.normal(size=(3, height, width)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=0)
    return RANDOM.random((height, width), dtype=np.float32)


def test_every_task_has_its_way_to_be_drawn():
    assert set(DRAW) == set(TASK_ORDER)


@pytest.mark.parametrize("task", TASK_ORDER)
def test_picture_shows_image_and_prediction(task):
    png = picture(task, IMAGE, prediction(task), names=("wall", "floor"))
    drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[1] == 1800
    assert (drawn < 250).any(axis=2).mean() > 0.3  # not an empty page


@pytest.mark.parametrize(("height", "width"), [(200, 20), (20, 200)])
def test_narrow_and_wide_images_fit_the_page(height, width):
    image = np.zeros((height, width, 3), np.uint8)
    assert cv2.imdecode(np.frombuffer(picture("depth", image, prediction("depth", height, width)), np.uint8), 1).any()


def drawn_on_axes(draw, *arguments):
    axes = Figure().add_subplot()
    draw(axes, *arguments)
    axes.figure.savefig(io.BytesIO())
    return axes


def test_legend_names_the_largest_classes_first():
    labels = np.array([[0, 0, 0, 2], [0, 0, 7, 7]], np.uint8)
    texts = drawn_on_axes(draw_classes, labels, ["wall", "floor", "upper_arm"]).get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["wall 62%", "class 7 25%", "upper arm 12%"]


def test_wall_that_faces_the_camera_is_light_blue():
    facing = np.zeros((3, 4, 4), np.float32)
    facing[2] = -1
    axes = drawn_on_axes(draw_normals, facing, ())
    assert axes.get_images()[0].get_array()[0, 0].tolist() == [0.5, 0.5, 1.0]


def test_colours_of_classes_are_distinct_and_stay():
    colours = palette(101)
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=2) + np.eye(101)
    assert distances.min() > 0.01
    assert distances[:21, :21].min() > 0.1
    assert np.array_equal(palette(13), colours[:13])
