"""Draws a prediction next to its input image."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mtl.report.render.style import DPI, styled
from mtl.tasks import find_task

WIDTH = 9.0  # inches, image and prediction together


def picture(task: str, image: np.ndarray, prediction: np.ndarray, names: Sequence[str] = ()) -> bytes:
    """Draws the image and one task's prediction side by side, as PNG.

    Args:
        task: Name of the task.
        image: RGB, uint8. Shape [H, W, 3].
        prediction: Prediction of an `mtl.load` model for the task. Shape [H, W], normals [3, H, W].
        names: Class names, for tasks with classes.
    """
    height, width = image.shape[:2]
    with styled():
        figure = Figure(figsize=(WIDTH, max(WIDTH / 2 * height / width, 1.5) + 0.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, title in ((left, "image"), (right, task.replace("_", " "))):
            axes.set_title(title)
            axes.set_axis_off()
        left.imshow(image, interpolation="nearest")
        find_task(task).draw(right, prediction, names)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=DPI)
    return png.getvalue()
