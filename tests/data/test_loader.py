import signal
import subprocess

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from mtl.data import DenseDataset, make_loader
from mtl.data.transforms import Normalize

TRAIN = v2.Compose([v2.RandomHorizontalFlip(0.5), Normalize(mean=[0, 0, 0], std=[1, 1, 1])])


class Numbered(DenseDataset):
    """Image i is filled with i on the left and 255 on the right, so that a flip is visible."""

    available = ("depth",)

    def __init__(self, split, length=22):
        super().__init__(split, ["depth"], TRAIN if split == "train" else Normalize(mean=[0] * 3, std=[1] * 3))
        self.length = length

    def __len__(self):
        return self.length

    def read(self, index):
        image = np.full((3, 2, 2), index, np.uint8)
        image[:, :, 1] = 255
        sample = {"image": image, "depth": np.full((1, 2, 2), index, np.float32)}
        return sample if self.split == "train" else sample | {"meta": {"id": str(index), "size": (2, 2)}}


def train_loader(workers=0, **changes):
    arguments = {"batch_size": 4, "workers": workers, "seed": 1, "train": True} | changes
    return make_loader(Numbered("train"), **arguments)


def images(loader):
    return torch.stack([batch["image"] for batch in loader])


def test_training_batches_do_not_depend_on_workers_or_on_earlier_draws():
    torch.manual_seed(0)
    alone = images(train_loader())
    torch.manual_seed(99)
    torch.rand(7)
    shared = images(train_loader(workers=2))
    assert torch.equal(alone, shared)
    assert alone.shape == (5, 4, 3, 2, 2)
    flipped = alone[:, :, 0, 0, 0] == 1
    assert 0 < flipped.sum() < 20


def test_loading_leaves_the_state_of_torch_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    images(train_loader())
    assert torch.equal(torch.rand(3), expected)


def test_an_image_is_flipped_in_some_epochs_only():
    loader = train_loader()
    flips = {}
    for epoch in range(6):
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            for image, depth in zip(batch["image"], batch["depth"], strict=True):
                flips.setdefault(int(depth[0, 0, 0]), set()).add(bool(image[0, 0, 0] == 1))
    assert sum(seen == {True, False} for seen in flips.values()) > 11


@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_epoch_yields_the_remaining_batches(workers):
    loader = train_loader(workers)
    loader.sampler.set_epoch(2)
    whole = images(loader)
    resumed = train_loader(workers)
    resumed.sampler.set_position(2, 3)
    assert torch.equal(images(resumed), whole[3:])
    assert len(resumed) == 5


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="not on macOS")
def test_a_worker_ends_with_its_parent_alone():
    batches = iter(train_loader(workers=1))
    (worker,) = batches._workers
    first = next(batches)["image"]
    subprocess.run(["kill", "-TERM", str(worker.pid)], check=True)  # as a cluster does to every process of a job
    assert torch.equal(torch.stack([first, *(batch["image"] for batch in batches)]), images(train_loader()))
    worker.terminate()
    worker.join(5)
    assert worker.exitcode == 0


def test_two_ranks_with_half_the_batch_see_the_images_of_one():
    one = next(iter(train_loader()))["depth"]
    two = [next(iter(train_loader(batch_size=2, rank=rank, world_size=2)))["depth"] for rank in range(2)]
    assert sorted(one[:, 0, 0, 0].tolist()) == sorted(torch.cat(two)[:, 0, 0, 0].tolist())


def test_evaluation_is_in_order_complete_and_keeps_meta_per_image():
    loader = make_loader(Numbered("val", 5), batch_size=2, workers=0, seed=0, train=False)
    batches = list(loader)
    assert [len(batch["image"]) for batch in batches] == [2, 2, 1]
    assert len(loader) == 3
    metas = [meta for batch in batches for meta in batch["meta"]]
    assert metas == [{"id": str(index), "size": (2, 2)} for index in range(5)]
    assert batches[1]["depth"][:, 0, 0, 0].tolist() == [2, 3]


def test_a_dataset_smaller_than_a_batch_is_refused():
    with pytest.raises(ValueError, match="3 training images do not fill one batch of 4"):
        make_loader(Numbered("train", 3), batch_size=4, workers=0, seed=0, train=True)


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="batch_size is 0"):
        train_loader(batch_size=0)


class Classes(DenseDataset):
    """One class map with a pixel of class 12 in the third image, and depth beyond any number of classes."""

    available = ("semseg", "depth")

    def __len__(self):
        return 4

    def read(self, index):
        semseg = np.full((1, 2, 2), 255, np.uint8)
        semseg[0, 1, 1] = 12 if index == 2 else 11
        depth = np.full((1, 2, 2), 80, np.float32)
        meta = {"id": f"scan{index}", "size": (2, 2), "padding": (0, 0)}
        return {"image": np.zeros((3, 2, 2), np.uint8), "semseg": semseg, "depth": depth, "meta": meta}


@pytest.mark.parametrize("train", [True, False])
def test_class_beyond_the_limit_is_named_with_its_image(train):
    def load(limit):
        dataset = Classes("train" if train else "val", ["semseg", "depth"])
        limits = {"semseg": limit, "depth": 2}
        return list(make_loader(dataset, batch_size=4, workers=0, seed=0, train=train, limits=limits))

    assert len(load(13)) == 1
    with pytest.raises(ValueError, match=r"semseg: label 12 in image scan2, but the network has 12 classes"):
        load(12)
