import cv2
import numpy as np
import pytest

from mtl.report.render.picture import picture
from mtl.tasks import known

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(256, size=(24, 36, 3), dtype=np.uint8)


def prediction(task, height=24, width=36):
    if task in ("semseg", "human_parts"):
        return RANDOM.integers(5, size=(height, width), dtype=np.uint8)
    if task == "normals":
        vectors = RANDOM.normal(size=(3, height, width)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=0)
    return RANDOM.random((height, width), dtype=np.float32)


@pytest.mark.parametrize("task", [task.name for task in known()])
def test_picture_shows_image_and_prediction(task):
    png = picture(task, IMAGE, prediction(task), names=("wall", "floor"))
    drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[1] == 1800
    assert (drawn < 250).any(axis=2).mean() > 0.3  # not blank


@pytest.mark.parametrize(("height", "width"), [(200, 20), (20, 200)])
def test_narrow_and_wide_images_fit_the_page(height, width):
    image = np.zeros((height, width, 3), np.uint8)
    assert cv2.imdecode(np.frombuffer(picture("depth", image, prediction("depth", height, width)), np.uint8), 1).any()
