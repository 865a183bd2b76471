"""The whole training pipeline: maps stay aligned, and a sample depends only on its seed."""

import numpy as np
import pytest
import torch
from samples import LABELS, numbered
from torchvision import tv_tensors
from torchvision.transforms import v2

from mtl.data import DenseDataset, make_loader
from mtl.data.transforms import IgnoreAbsentPersons, Normalize, Pad, PhotometricDistortion, RandomCrop, RandomScale

NORMALIZE = Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
COLOURS = PhotometricDistortion(brightness=32, contrast=[0.5, 1.5], saturation=[0.5, 1.5], hue=18)


def training(height, width, colours=COLOURS, low=0.5, high=2.0):
    return v2.Compose(
        [
            RandomScale(low, high),
            RandomCrop(height, width, largest=0.75, tries=10),
            v2.RandomHorizontalFlip(0.5),
            colours,
            NORMALIZE,
            Pad(height, width),
            IgnoreAbsentPersons(),
        ]
    )


class Shapes(DenseDataset):
    """Images of two sizes with a disc whose colour, class, depth, normal and edge agree."""

    available = LABELS

    def __len__(self):
        return 8

    def read(self, index):
        height, width = (40, 56) if index % 2 else (48, 44)
        y, x = np.mgrid[:height, :width]
        disc = (y - 12 - 2 * index) ** 2 + (x - 30 + index) ** 2 < 64
        maps = {
            "semseg": disc.astype(np.uint8)[None],
            "human_parts": disc.astype(np.uint8)[None],
            "depth": np.where(disc, 2.0, 5.0).astype(np.float32)[None],
            "normals": np.stack([disc * 0.6, disc * 0.0, np.where(disc, -0.8, -1)]).astype(np.float32),
            "saliency": disc.astype(np.uint8)[None],
            "edge": disc.astype(np.uint8)[None],
        }
        image = np.where(disc, 255, 0).astype(np.uint8)[None].repeat(3, axis=0)
        meta = {"id": str(index), "size": (height, width), "padding": (0, 0)}
        return {"image": image} | {task: maps[task] for task in self.reads} | {"meta": meta}


def batches(tasks=LABELS, workers=0, epoch=0, **changes):
    dataset = Shapes("train", tasks, training(32, 40, **changes))
    loader = make_loader(dataset, batch_size=4, workers=workers, seed=2, train=True)
    loader.sampler.set_epoch(epoch)
    return list(loader)


def same(one, other):
    return all(torch.equal(a[key], b[key]) for a, b in zip(one, other, strict=True) for key in a if key != "meta")


def test_a_disc_is_a_disc_in_every_map():
    for epoch in range(6):
        for batch in batches(epoch=epoch, colours=torch.nn.Identity()):
            valid = batch["semseg"] != 255
            disc = batch["semseg"] == 1
            assert torch.equal(batch["depth"] > 0, valid)
            assert torch.equal(batch["normals"].norm(dim=1, keepdim=True) > 0.1, valid)
            for task in ("saliency", "edge"):
                assert torch.equal(batch[task], batch["semseg"])
            persons = disc.flatten(1).any(1)
            assert torch.equal(batch["human_parts"][persons], batch["semseg"][persons])
            assert (batch["human_parts"][~persons] == 255).all()
            assert torch.equal(batch["normals"][:, :1].abs() > 0.5, disc)
            white = batch["image"][:, :1] > 0
            assert (white != disc)[valid].float().mean() < 0.03  # interpolated colours at the rim


def test_depth_and_normals_tell_how_the_sample_was_scaled_and_flipped():
    seen = set()
    for epoch in range(8):
        for batch in batches(epoch=epoch):
            for depth, normals, meta in zip(batch["depth"], batch["normals"], batch["meta"], strict=True):
                inside, around = depth[(depth > 0) & (normals[:1].abs() > 0.5)], depth[normals[:1] == 0]
                around = around[around > 0]
                if len(inside) and len(around):
                    factor = 5 / around[0].item()
                    assert 0.5 <= factor <= 2
                    assert inside[0].item() == pytest.approx(2 / factor)
                    seen.add((normals[0][normals[0].abs() > 0.5][0].sign().item(), meta["size"] == (32, 40)))
    assert {sign for sign, _ in seen} == {-1, 1}


def test_pixels_keep_their_company_without_scaling():
    sample = training(6, 9, colours=torch.nn.Identity(), low=1, high=1)(numbered(20, 30))
    row, column = (sample["image"][c] * NORMALIZE.std[c] + NORMALIZE.mean[c] for c in (0, 1))
    row, column = (row * 255).round(), (column * 255).round()
    assert torch.equal(sample["semseg"][0], (column % 200).byte())
    assert torch.allclose(sample["depth"][0], row + column / 1000 + 1)
    assert torch.equal(sample["normals"][0].abs(), column + 1)
    assert torch.equal(sample["edge"][0], (column % 2).byte())


def test_meta_has_the_position_of_the_image():
    for batch in batches():
        for semseg, meta in zip(batch["semseg"], batch["meta"], strict=True):
            (height, width), (top, left) = meta["size"], meta["padding"]
            frame = torch.zeros_like(semseg)
            frame[:, top : top + height, left : left + width] = 1
            assert torch.equal(semseg != 255, frame == 1)


def test_samples_depend_on_seed_and_epoch_alone():
    first = batches()
    torch.manual_seed(99)
    assert same(first, batches(workers=2))
    assert not same(first, batches(epoch=1))


@pytest.mark.parametrize("tasks", [("depth",), ("normals", "edge"), ("semseg",), ("human_parts", "saliency")])
def test_fewer_tasks_see_the_same_windows_and_colours(tasks):
    for whole, part in zip(batches(), batches(tasks), strict=True):
        assert set(part) == {"image", "meta", *tasks}
        assert whole["meta"] == part["meta"]
        assert all(torch.equal(whole[key], part[key]) for key in ("image", *tasks))


def test_dataset_without_segmentation_cannot_be_cropped():
    class Bare(Shapes):
        available = ("depth",)

    with pytest.raises(ValueError, match=r"RandomCrop needs the labels of semseg, and Bare has only depth"):
        Bare("train", ["depth"], training(32, 40))


def test_evaluation_pads_and_changes_no_pixel():
    raw = Shapes("val", LABELS)
    dataset = Shapes("val", LABELS, v2.Compose([NORMALIZE, Pad(48, 56), IgnoreAbsentPersons()]))
    (batch,) = make_loader(dataset, batch_size=8, workers=0, seed=0, train=False)
    for index, meta in enumerate(batch["meta"]):
        plain, (height, width), (top, left) = NORMALIZE(raw[index]), meta["size"], meta["padding"]
        for key in ("image", *LABELS):
            assert torch.equal(batch[key][index, :, top : top + height, left : left + width], plain[key])


@pytest.mark.parametrize("size", [(448, 576), (512, 512), (448, 574), (518, 518)])
def test_sizes_of_the_datasets(size):
    for _ in range(3):
        sample = training(*size)(numbered(425, 560, ("semseg", "depth")))
        assert sample["image"].shape == (3, *size)
        assert sample["semseg"].shape == sample["depth"].shape == (1, *size)


def test_image_type_is_kept_until_it_is_normalised():
    steps = training(6, 9).transforms
    sample = numbered(20, 30)
    for step in steps[:4]:
        sample = step(sample)
    assert type(sample["image"]) is tv_tensors.Image
