"""Predictions as pictures that a person can read: the image beside what the network sees in it."""

import colorsys
import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mtl.report.render.style import DPI, QUIET, styled

WIDTH = 9.0  # inches, of image and prediction together
LISTED = 12  # classes in a legend
BAR = (1.03, 0, 0.04, 1)  # beside the prediction, as high as it; in fractions of its sides
GOLDEN = 0.618034  # of a turn between the hues of neighbours, so that any first n of them lie far apart


def picture(task: str, image: np.ndarray, prediction: np.ndarray, names: Sequence[str] = ()) -> bytes:
    """The image and one task's prediction side by side, as PNG.

    Args:
        task: Name of the task.
        image: Red, green and blue, uint8. Shape [H, W, 3].
        prediction: What `mtl.load` predicts for the task. Shape [H, W], normals [3, H, W].
        names: Names of the classes, for tasks that have some.
    """
    height, width = image.shape[:2]
    with styled():
        figure = Figure(figsize=(WIDTH, max(WIDTH / 2 * height / width, 1.5) + 0.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, title in ((left, "image"), (right, task.replace("_", " "))):
            axes.set_title(title)
            axes.set_axis_off()
        left.imshow(image, interpolation="nearest")
        DRAW[task](right, prediction, names)
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=DPI)
    return png.getvalue()


def palette(count: int) -> np.ndarray:
    """A colour per class, the same for a class whatever the count. Shape [count, 3], 0 to 1."""
    tones = ((0.55, 0.95), (0.85, 0.75), (0.45, 0.65))  # saturation and brightness
    return np.array([colorsys.hsv_to_rgb(k * GOLDEN % 1, *tones[k % len(tones)]) for k in range(count)])


def draw_classes(axes: Axes, prediction: np.ndarray, names: Sequence[str]) -> None:
    """A colour for each class, and a legend of the largest."""
    shares = np.bincount(prediction.ravel(), minlength=len(names)) / prediction.size
    colours = palette(len(shares))
    axes.imshow(colours[prediction], interpolation="nearest")
    largest = [k for k in np.argsort(-shares, kind="stable") if shares[k] > 0.005][:LISTED]
    labels = [f"{names[k] if k < len(names) else f'class {k}'} {shares[k]:.0%}".replace("_", " ") for k in largest]
    axes.legend(
        [Patch(color=colours[k]) for k in largest],
        labels,
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        borderaxespad=0,
        frameon=False,
        fontsize=8,
    )


def draw_depth(axes: Axes, prediction: np.ndarray, _: Sequence[str]) -> None:
    """Near is bright; the bar has the metres."""
    shown = axes.imshow(prediction, cmap="viridis_r", interpolation="nearest")
    axes.figure.colorbar(shown, cax=axes.inset_axes(BAR), label="metres")


def draw_normals(axes: Axes, prediction: np.ndarray, _: Sequence[str]) -> None:
    """The usual colours: red, green and blue are right, up and towards the viewer, from -1 (dark) to 1."""
    seen = prediction.transpose(1, 2, 0) * (1, -1, -1)  # [H, W, 3]
    axes.imshow(((seen + 1) / 2).clip(0, 1), interpolation="nearest")
    caption = "red: to the right, green: up, blue: towards the camera"
    axes.text(0.5, -0.02, caption, transform=axes.transAxes, ha="center", va="top", fontsize=8, color=QUIET)


def draw_probability(axes: Axes, prediction: np.ndarray, _: Sequence[str]) -> None:
    """From black, 0, to white, 1."""
    shown = axes.imshow(prediction, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.figure.colorbar(shown, cax=axes.inset_axes(BAR), label="probability")


DRAW: Mapping[str, Callable[[Axes, np.ndarray, Sequence[str]], None]] = {
    "semseg": draw_classes,
    "human_parts": draw_classes,
    "depth": draw_depth,
    "normals": draw_normals,
    "saliency": draw_probability,
    "edge": draw_probability,
}
