import numpy as np
import pytest

from mtl.data import DenseDataset, LabelNoise
from mtl.tasks import find


class Person(DenseDataset):
    available = ("semseg", "human_parts")

    def __len__(self):
        return 1

    def read(self, index):
        return {"image": np.zeros((3, 1, 1), np.uint8), "meta": {"id": "a"}}


def test_parts_are_not_corrupted_by_the_classes_of_segmentation():
    assert find("human_parts").corrupt is None
    noise = LabelNoise(mode="pixel", num_classes=21, categories=5, rate=0.5, seed=0)
    with pytest.raises(ValueError, match="no noise is defined for human_parts"):
        noise(Person("train", ["human_parts"]))


def test_folder_of_other_programs_comes_first():
    assert find("human_parts").folders == ("parts",)
