import numpy as np
import pytest
import torch

from mtl.data import DenseDataset, LabelNoise, make_loader
from mtl.data.transforms import RandomCrop
from mtl.tasks import find

TASKS = ("semseg", "depth", "normals")
SETTING = {"num_classes": 13, "categories": 5, "rate": 0.5, "depth": 0.25, "normals": 0.25, "seed": 0}


def noise(mode="pixel", **changes):
    return LabelNoise(mode=mode, **(SETTING | changes))


def stream(seed=0):
    return np.random.default_rng(seed)


class Walls(DenseDataset):
    """Eight stripes of classes at two metres; the first rows have no valid label."""

    available = (*TASKS, "edge")
    size = 64

    def __len__(self):
        return 4

    def read(self, index):
        shape = (1, self.size, self.size)
        maps = {
            "semseg": np.broadcast_to(np.arange(self.size) // 8, shape).astype(np.uint8).copy(),
            "depth": np.full(shape, 2, np.float32),
            "normals": np.zeros((3, *shape[1:]), np.float32),
            "edge": np.zeros(shape, np.uint8),
        }
        maps["normals"][2] = -1
        maps["semseg"][:, :4], maps["depth"][:, :4], maps["normals"][:, :4] = 255, 0, 0
        image = np.full((3, *shape[1:]), 9, np.uint8)
        meta = {"id": f"wall{index}", "size": shape[1:], "padding": (0, 0)}
        return {"image": image} | {task: maps[task] for task in self.reads} | {"meta": meta}


def corrupted(tasks=TASKS, mode="pixel", **changes):
    return noise(mode, **changes)(Walls("train", tasks))


def test_none_is_the_dataset_itself():
    dataset = Walls("train", ["edge"])
    assert noise("none")(dataset) is dataset


def test_five_classes_lose_half_of_their_pixels_and_the_others_none():
    for index in range(4):
        before, after = Walls("train", TASKS).read(index)["semseg"], corrupted().read(index)["semseg"]
        assert after.dtype == np.uint8
        share = [(after[before == label] != label).mean() for label in range(8)]
        assert sum(value == 0 for value in share) == 3
        assert all(value == pytest.approx(0.5, abs=0.1) for value in share if value)
        assert (after[before == 255] == 255).all()
        assert after[before != 255].max() == 12


def equal(one, other, tasks):
    return all(np.array_equal(one[task], other[task]) for task in tasks)


def test_noise_is_the_same_in_every_epoch_worker_and_process():
    assert equal(corrupted().read(1), corrupted().read(1), TASKS)
    batches = []
    for workers in (0, 2):
        loader = make_loader(corrupted(), batch_size=4, workers=workers, seed=1, train=True)
        loader.sampler.set_epoch(workers)  # another order
        (batch,) = loader
        batches.append(sorted((meta["id"], batch["depth"][i].sum().item()) for i, meta in enumerate(batch["meta"])))
    assert batches[0] == batches[1]


def test_images_tasks_and_seeds_have_noise_of_their_own():
    first = corrupted()
    assert not any(equal(first.read(0), first.read(1), [task]) for task in TASKS)
    assert not any(equal(first.read(0), corrupted(seed=1).read(0), [task]) for task in TASKS)
    assert noise().stream("depth", "a").random() != noise().stream("normals", "a").random()


def test_single_task_and_multi_task_learn_from_the_same_wrong_labels():
    for task in TASKS:
        alone = corrupted([task])
        assert all(equal(alone.read(index), corrupted().read(index), [task]) for index in range(4))


def test_the_windows_of_the_crop_are_the_same_with_each_task():
    def window(tasks):
        dataset = Walls("train", tasks, RandomCrop(8, 8, largest=0.75, tries=10))
        torch.manual_seed(0)
        return noise()(dataset)[0]

    assert torch.equal(window(TASKS)["depth"], window(["depth"])["depth"])
    assert set(window(["depth"])) == {"image", "depth", "meta"}


def test_images_and_source_stay_as_they_are():
    dataset = Walls("train", TASKS)
    assert np.array_equal(noise()(dataset).read(0)["image"], dataset.read(0)["image"])
    kept = dataset.read(0)
    copy = {task: kept[task].copy() for task in TASKS}
    for task in TASKS:
        find(task).corrupt(kept[task], stream(), noise().noise)
    assert equal(kept, copy, TASKS)


@pytest.mark.parametrize("split", ["val", "test"])
def test_only_training_labels_are_corrupted(split):
    with pytest.raises(
        ValueError, match=f"dataset.noise=pixel: noise is for training labels, not for the {split} split"
    ):
        noise()(Walls(split, TASKS))


def test_task_without_a_noise_is_refused_by_name():
    with pytest.raises(
        ValueError, match=r"dataset.noise=category: no noise is defined for edge; .*\[semseg,depth,normals"
    ):
        noise("category")(Walls("train", ["depth", "edge"]))


def test_unknown_mode_and_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match=r"dataset.noise=image: use none or pixel or category"):
        noise("image")
    for wrong in ({"rate": 1.5}, {"depth": -1.0}, {"num_classes": 1}):
        with pytest.raises(ValueError, match="use a rate from 0 to 1"):
            noise(**wrong)


def test_label_beyond_the_classes_is_named_with_its_image():
    with pytest.raises(ValueError, match=r"semseg: label 7, but the dataset has 5 classes \(image wall2\)"):
        corrupted(num_classes=5).read(2)
