import numpy as np
import pytest
import torch

from mtl.data import DenseDataset, LabelNoise, make_loader
from mtl.data.transforms import RandomCrop

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


def spoilt(tasks=TASKS, mode="pixel", **changes):
    return noise(mode, **changes)(Walls("train", tasks))


def test_none_is_the_dataset_itself():
    dataset = Walls("train", ["edge"])
    assert noise("none")(dataset) is dataset


def test_five_classes_lose_half_of_their_pixels_and_the_others_none():
    for index in range(4):
        before, after = Walls("train", TASKS).read(index)["semseg"], spoilt().read(index)["semseg"]
        assert after.dtype == np.uint8
        share = [(after[before == label] != label).mean() for label in range(8)]
        assert sum(value == 0 for value in share) == 3
        assert all(value == pytest.approx(0.5, abs=0.1) for value in share if value)
        assert (after[before == 255] == 255).all()
        assert after[before != 255].max() == 12


def test_wrong_classes_are_all_others_of_the_dataset_alike():
    labels = np.full((1, 200, 200), 3, np.uint8)
    after = noise(num_classes=5).spoil_classes(labels, stream())
    share = np.bincount(after.ravel(), minlength=5) / after.size
    assert share.tolist() == pytest.approx([0.125, 0.125, 0.125, 0.5, 0.125], abs=0.01)
    assert noise(num_classes=5, rate=1.0).spoil_classes(labels, stream()).min() != 3


def test_in_mode_category_a_class_goes_as_a_whole_or_stays():
    before = Walls("train", TASKS).read(0)["semseg"]
    moved = 0
    for seed in range(100):
        after = noise("category").spoil_classes(before, stream(seed))
        assert after.dtype == np.uint8
        assert (after[before == 255] == 255).all()
        found = [np.unique(after[before == label]).tolist() for label in range(8)]
        assert all(len(labels) == 1 for labels in found)
        gone = [labels[0] != label for label, labels in enumerate(found)]
        assert sum(gone) <= 5
        moved += sum(gone)
    assert moved / 500 == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("mode", ["pixel", "category"])
def test_of_fewer_than_five_classes_all_are_spoilt_and_of_none_none(mode):
    labels = np.array([0, 1, 2, 255], np.uint8).repeat(500).reshape(1, 20, 100)
    after = noise(mode, rate=1.0).spoil_classes(labels, stream())
    assert ((after != labels) == (labels != 255)).all()
    empty = np.full((1, 2, 2), 255, np.uint8)
    assert (noise(mode).spoil_classes(empty, stream()) == 255).all()


def test_depth_has_gaussian_noise_and_stays_valid():
    before, after = Walls("train", TASKS).read(0)["depth"], spoilt().read(0)["depth"]
    assert after.dtype == np.float32
    error = (after - before)[before > 0]
    assert error.mean() == pytest.approx(0, abs=0.02)
    assert error.std() == pytest.approx(0.25, abs=0.02)
    assert (after[before == 0] == 0).all()
    near = noise(depth=9.0).spoil_depth(np.full((1, 50, 50), 0.1, np.float32), stream())
    assert near.min() == np.float32(1e-3)


def test_normals_are_tilted_unit_vectors():
    after = spoilt().read(0)["normals"]
    assert after.dtype == np.float32
    length = np.linalg.norm(after, axis=0)
    assert (length[:4] == 0).all()
    np.testing.assert_allclose(length[4:], 1, atol=1e-6)
    tilt = np.degrees(np.arccos(-after[2, 4:]))
    assert 10 < tilt.mean() < 30  # 0.25 across each of two axes: about 18 degrees
    assert noise(normals=0.0).spoil_normals(after, stream()) == pytest.approx(after, abs=1e-6)
    short = np.full((3, 2, 2), 1 / 255, np.float32)  # short is not invalid: the loader alone decides that
    assert np.linalg.norm(noise().spoil_normals(short, stream()), axis=0) == pytest.approx(1, abs=1e-6)


def equal(one, other, tasks):
    return all(np.array_equal(one[task], other[task]) for task in tasks)


def test_noise_is_the_same_in_every_epoch_worker_and_process():
    assert equal(spoilt().read(1), spoilt().read(1), TASKS)
    batches = []
    for workers in (0, 2):
        loader = make_loader(spoilt(), batch_size=4, workers=workers, seed=1, train=True)
        loader.sampler.set_epoch(workers)  # another order
        (batch,) = loader
        batches.append(sorted((meta["id"], batch["depth"][i].sum().item()) for i, meta in enumerate(batch["meta"])))
    assert batches[0] == batches[1]


def test_images_tasks_and_seeds_have_noise_of_their_own():
    first = spoilt()
    assert not any(equal(first.read(0), first.read(1), [task]) for task in TASKS)
    assert not any(equal(first.read(0), spoilt(seed=1).read(0), [task]) for task in TASKS)
    assert noise().stream("depth", "a").random() != noise().stream("normals", "a").random()


def test_single_task_and_multi_task_learn_from_the_same_wrong_labels():
    for task in TASKS:
        alone = spoilt([task])
        assert all(equal(alone.read(index), spoilt().read(index), [task]) for index in range(4))


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
        noise().spoil[task](kept[task], stream())
    assert equal(kept, copy, TASKS)


@pytest.mark.parametrize("split", ["val", "test"])
def test_only_training_labels_are_spoilt(split):
    with pytest.raises(ValueError, match=f"dataset.noise=pixel: the labels of the {split} split stay"):
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
        spoilt(num_classes=5).read(2)
