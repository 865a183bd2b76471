import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from mtl.data import DenseDataset
from mtl.data.transforms import LabelMap


class OnePixel(DenseDataset):
    available = ("semseg", "depth", "normals")

    def __len__(self):
        return 1

    def read(self, index):
        labels = {
            "semseg": np.full((1, 1, 1), 7, np.uint8),
            "depth": np.full((1, 1, 1), 2.5, np.float32),
            "normals": np.array([0, 0, -1], np.float32).reshape(3, 1, 1),
        }
        image = np.full((3, 1, 1), 200, np.uint8)
        return {"image": image, "meta": {"id": "a"}} | {task: labels[task] for task in self.tasks}


def test_every_key_gets_the_type_its_transforms_need():
    sample = OnePixel("val", ["normals", "depth", "semseg"])[0]
    assert type(sample["image"]) is tv_tensors.Image
    assert type(sample["meta"]) is dict
    maps = {key: sample[key].label.name for key in sample if isinstance(sample[key], LabelMap)}
    assert maps == {"semseg": "semseg", "depth": "depth", "normals": "normals"}
    assert sample["semseg"].dtype == torch.uint8
    assert sample["semseg"].item() == 7


def test_only_requested_tasks_are_kept_in_the_order_of_the_dataset():
    dataset = OnePixel("train", ["normals", "semseg"])
    assert dataset.tasks == ("semseg", "normals")
    assert set(dataset[0]) == {"image", "meta", "semseg", "normals"}


def test_the_transform_sees_the_whole_sample():
    dataset = OnePixel("train", ["depth"], transform=sorted)
    assert dataset[0] == ["depth", "image", "meta"]


@pytest.mark.parametrize("tasks", [["semseg", "edge"], [], ["depth", "depth"]])
def test_tasks_without_labels_none_or_twice_are_refused(tasks):
    with pytest.raises(ValueError, match="OnePixel needs one or more of semseg, depth, normals"):
        OnePixel("train", tasks)


def test_unknown_split_is_refused_by_name():
    with pytest.raises(ValueError, match="'trian'; use one of train, val, test"):
        OnePixel("trian", ["depth"])


class Height(OnePixel):
    available = ("semseg", "height")


class HeightBesides(OnePixel):
    def read(self, index):
        return super().read(index) | {"height": np.ones((1, 1, 1), np.float32)}


def test_map_that_is_no_known_label_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no label is named height, only .*depth.*: add mtl/tasks/height.py"):
        Height("train", ["height"])
    with pytest.raises(ValueError, match="no label is named height"):
        HeightBesides("train", ["semseg"])[0]
