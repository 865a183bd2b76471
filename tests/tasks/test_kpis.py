"""The share of each task that is predicted well in a batch, by hand."""

import pytest
import torch

from mtl.tasks import find, known

CASES = {  # predictions and labels of four pixels, channels first; the last pixel is invalid
    "semseg": ([[2.0, 0, 0, 9], [1, 1, 1, 0], [0, 0, 3, 0]], [[0, 1, 1, 255]], (2, 3)),
    "human_parts": ([[2.0, 0, 0, 9], [1, 1, 1, 0]], [[0, 0, 0, 255]], (1, 3)),
    "depth": ([[1.0, 2.4, 0.5, 1.0]], [[1.2, 2.0, 1.0, 0.0]], (2, 3)),
    "disparity": ([[1.0, -2.0, 0.9, 1.0]], [[1.2, 2.0, 1.0, 0.0]], (2, 3)),
    "reshading": ([[1.0, 0.9, 0.5, 0.2]], [[1.0, 0.7, 0.0, -1.0]], (1, 3)),
    "normals": ([[0, 0, 0, 0], [0.5, 1, 0, 0.5], [0.876, 0, 5, 0.876]], [[0] * 4, [0] * 4, [1, 1, 1, 0]], (2, 3)),
    "edge": ([[1.0, 1.0, -1.0, 1.0]], [[1, 0, 1, 255]], (2, 4)),  # one hit, one false, one missed
    "saliency": ([[0.0, 2.0, 0.0, 0.0], [1, 1, 1, 1]], [[1, 0, 1, 255]], (4, 4)),
}


@pytest.mark.parametrize("label", known(), ids=lambda label: label.name)
def test_kpi_by_hand(label):
    predictions, labels, expected = CASES[label.name]
    image, target = torch.tensor(predictions)[None, :, None], torch.tensor(labels)[None, :, None]  # [1, C, 1, 4]
    target = target.byte() if label.fill == 255 else target.float()
    assert tuple(number.item() for number in label.kpi(image, target)) == expected


def test_without_an_edge_nothing_is_known():
    empty = torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
    assert [number.item() for number in find("edge").kpi(empty - 1.0, empty)] == [0, 0]
