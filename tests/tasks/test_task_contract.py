"""Properties of the label, loss and metric of every task, for each file of configs/task."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.transforms import v2

from mtl import build
from mtl.data.predictions import Predictions
from mtl.data.transforms import Pad, RandomScale, typed
from mtl.report.names import notation
from mtl.tasks import Noise, find, known
from mtl.tasks.families import Classes, Measure, Probability

CONFIGS = Path(__file__).parents[2] / "configs"
NAMES = sorted(path.stem for path in (CONFIGS / "task").glob("*.yaml"))
SIZE = (24, 32)
FLIP = v2.RandomHorizontalFlip(1.0)
META = {"id": "a", "size": SIZE, "padding": (0, 0)}


@pytest.fixture(params=NAMES, scope="module")
def task(request):
    """The task as configured for a run on rooms."""
    return build.build_tasks(build.compose([f"subset={request.param}"]))[0]


def label_of(task, seed=0) -> np.ndarray:
    """A label whose first rows are invalid. Shape [C, H, W]."""
    rng, label = np.random.default_rng(seed), task.label
    if isinstance(label, Classes | Probability):
        classes = rng.integers(max(task.channels, 2), size=(1, *SIZE), dtype=np.uint8)
        drawn = cv2.resize(classes[0, :6, :8], SIZE[::-1], interpolation=cv2.INTER_NEAREST)[None]  # regions
    elif isinstance(label, Measure):
        drawn = rng.uniform(0.1, 1, (1, *SIZE)).astype(np.float32)
    else:
        drawn = rng.normal(size=(label.channels, *SIZE)).astype(np.float32)
        drawn /= np.linalg.norm(drawn, axis=0)
    drawn[:, :4] = label.fill
    return drawn


def truth_of(task, label) -> Tensor:
    """Ground truth of the metric; thin lines for edges. Shape [1, C, H, W]."""
    if not task.truth:
        return torch.from_numpy(label)[None]
    lines = torch.zeros(1, 1, *SIZE, dtype=torch.bool)
    lines[..., ::5] = True
    return lines


def prediction_of(task, seed=1) -> Tensor:
    """A random prediction. Shape [1, C, H, W]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, task.channels, *SIZE, generator=generator) + 0.5


def score(task, prediction, truth) -> dict[str, float]:
    task.metric.reset()
    task.metric.update(prediction, truth)
    return task.metric.compute()


def test_word_on_the_command_line_is_the_name_of_the_file_and_of_its_label():
    assert [label.name for label in sorted(known(), key=lambda label: label.name)] == NAMES
    for name in NAMES:
        assert type(find(name)).__module__ == f"mtl.tasks.{name}"
        assert (Path(__file__).parent / f"test_{name}.py").exists()


def test_label_has_the_shape_it_promises(task):
    assert label_of(task).shape == (task.label.channels, *SIZE)
    assert task.label.valid(label_of(task)).shape == (1, *SIZE)


def test_flip_twice_is_the_identity_and_keeps_what_is_valid(task):
    label = typed(task.name, torch.from_numpy(label_of(task)))
    once = FLIP(label)
    assert torch.equal(task.label.valid(once.as_subclass(Tensor)), task.label.valid(label.as_subclass(Tensor)).flip(-1))
    assert once.dtype == label.dtype
    assert torch.equal(FLIP(once), label)


def test_zoom_keeps_what_is_valid_and_back_again_is_the_identity(task):
    sample = {"image": typed(task.name, torch.from_numpy(label_of(task))), "meta": META}
    twice = RandomScale(2.0, 2.0)(sample)
    assert twice["image"].shape[-2:] == (2 * SIZE[0], 2 * SIZE[1])
    assert twice["image"].label is task.label
    back = RandomScale(0.5, 0.5)(twice)["image"]
    assert torch.equal(back, sample["image"])


def padded(task, sample):
    size = {"height": SIZE[0] + 6, "width": SIZE[1] + 5}
    image = torch.zeros(3, *SIZE)
    return Pad(**size)({"image": image, "meta": META} | sample)


def test_padding_does_not_count_for_the_loss(task):
    label, prediction = torch.from_numpy(label_of(task)), prediction_of(task)
    around = torch.nn.functional.pad(prediction, (2, 3, 3, 3), value=9.0)
    target = padded(task, {task.name: label})[task.name][None]
    total, count = task.loss(prediction, label[None])
    more, same = task.loss(around, target)
    assert same == count == (SIZE[0] - 4) * SIZE[1]
    torch.testing.assert_close(more, total)


def test_padding_does_not_count_for_the_metric(task):
    label, prediction = torch.from_numpy(label_of(task)), prediction_of(task)
    if task.truth:  # the evaluator crops padding, whose position it needs
        sample = padded(task, {task.truth: label == 1})
        assert not sample[task.truth][:, :3].any()
        assert sample["meta"]["padding"] == (3, 2)
        return
    around = torch.nn.functional.pad(prediction, (2, 3, 3, 3), value=9.0)
    target = padded(task, {task.name: label})[task.name][None]
    assert score(task, around, target) == pytest.approx(score(task, prediction, label[None]))


def test_noise_changes_valid_pixels_alone_if_it_is_defined(task):
    if task.label.corrupt is None:
        assert "noise" not in (CONFIGS / f"task/{task.name}.yaml").read_text()
        return
    noise = Noise("pixel", num_classes=13, categories=5, rate=0.5, deviations={task.name: 0.25})
    label = label_of(task)
    before, after = label.copy(), task.label.corrupt(label, np.random.default_rng(0), noise)
    assert np.array_equal(label, before)
    assert (after.dtype, after.shape) == (label.dtype, label.shape)
    assert np.array_equal(task.label.valid(after), task.label.valid(label))
    assert not np.array_equal(after, label)
    assert np.array_equal(after[:, :4], label[:, :4])


@pytest.mark.parametrize("key", [True, False])
def test_label_and_prediction_are_drawn(task, key):
    prediction = task.label.natural(prediction_of(task)[0]).numpy()
    for values in (label_of(task), prediction):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        task.label.draw(axes, values, ("wall", "floor"), key=key)
        figure.canvas.draw()
        (shown,) = axes.get_images()
        colours = shown.to_rgba(shown.get_array(), bytes=True)[..., :3]
        assert colours.shape == (*SIZE, 3)
        assert colours[4:].std() > 5
        if values is not prediction:
            assert abs(colours[:4].astype(int) - 127).max() <= 1  # grey where it is invalid
        added = len(figure.axes) + len(axes.child_axes) + len(axes.texts) + (axes.get_legend() is not None)
        assert (added > 1) is key


def test_saved_prediction_gets_the_score_of_the_network(task, tmp_path):
    label, prediction = label_of(task), prediction_of(task)
    np.save(tmp_path / f"a_{task.name}.npy", task.label.natural(prediction[0]).numpy())
    saved = Predictions(tmp_path, task.label, task.channels)
    read = saved.read("a", SIZE)[None]
    truth = truth_of(task, label)
    first, again = score(task, prediction, truth), score(task, read, truth)
    assert all(math.isfinite(value) for value in first.values())
    assert again == pytest.approx(first, rel=1e-6)


def test_metrics_of_a_table_are_named_with_their_direction(task):
    written = notation(task.name, task.metric.primary)
    assert task.label.notations[task.metric.primary] == written
    assert next(iter(task.label.notations)) == task.metric.primary
    assert written.higher_is_better == task.metric.higher_is_better


def test_label_can_be_given_by_its_class():
    words = ["subset=reshading", "+dataset.tasks.reshading.label._target_=mtl.tasks.reshading.Reshading"]
    (task,) = build.build_tasks(build.compose(words))
    assert task.label == find("reshading")
