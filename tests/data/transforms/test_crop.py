import pytest
import torch
from samples import LABELS, numbered

from mtl.data.transforms import RandomCrop, typed

RULE = {"largest": 0.75, "tries": 10}


def with_classes(semseg):
    """A sample with numbered pixels and the given classes, shape [H, W]."""
    semseg = torch.as_tensor(semseg, dtype=torch.uint8)
    return numbered(*semseg.shape) | {"semseg": typed("semseg", semseg[None])}


def corner(sample):
    """Row and column of the upper left pixel."""
    return sample["image"][0, 0, 0].item(), sample["image"][1, 0, 0].item()


def test_all_maps_are_cut_at_the_same_place():
    sample = RandomCrop(5, 7, **RULE)(numbered(30, 40))
    row, column = corner(sample)
    whole = numbered(30, 40)
    for key in ("image", *LABELS):
        assert type(sample[key]) is type(whole[key])
        assert torch.equal(sample[key], whole[key][:, row : row + 5, column : column + 7])
    assert sample["meta"]["size"] == (5, 7)


def test_every_place_comes_up_and_none_outside():
    corners = {corner(RandomCrop(3, 4, **RULE)(numbered(5, 6))) for _ in range(200)}
    assert corners == {(row, column) for row in range(3) for column in range(3)}


def test_side_shorter_than_the_window_stays_whole():
    sample = RandomCrop(9, 4, **RULE)(numbered(5, 6))
    assert sample["image"].shape == (3, 5, 4)
    assert sample["meta"]["size"] == (5, 4)
    assert {corner(RandomCrop(9, 4, **RULE)(numbered(5, 6)))[0] for _ in range(20)} == {0}


def is_good(semseg):
    return RandomCrop(1, 1, **RULE)._is_good(torch.tensor(semseg, dtype=torch.uint8))


def test_window_is_good_below_three_quarters_of_one_class():
    assert is_good([[0, 0, 1, 1]])
    assert is_good([[0] * 74 + [1] * 26])
    assert not is_good([[0] * 75 + [1] * 25])


def test_ignored_pixels_are_no_class_and_do_not_count():
    assert not is_good([[3, 3, 3, 255]])
    assert not is_good([[255, 255, 255, 255]])
    assert is_good([[1, 2, 255, 255, 255, 255, 255, 255]])
    assert not is_good([[1, 1, 1, 2, 255, 255]])


def test_window_of_one_class_is_avoided():
    semseg = torch.zeros(4, 60)
    semseg[:, :10] = torch.arange(10)  # windows 0 to 8 of 57 contain several classes
    plain = [corner(RandomCrop(4, 4, largest=2, tries=1)(with_classes(semseg)))[1] for _ in range(300)]
    capped = [corner(RandomCrop(4, 4, **RULE)(with_classes(semseg)))[1] for _ in range(300)]
    share = sum(column > 8 for column in plain) / 300
    assert share > 0.2
    assert sum(column > 8 for column in capped) / 300 == pytest.approx((48 / 57) ** 11, abs=0.09)


@pytest.mark.parametrize("largest", [0.3, 0.75, 2.0])
def test_windows_are_judged_by_the_shares_of_all_classes(largest):
    generator = torch.Generator().manual_seed(0)
    crop, verdicts = RandomCrop(4, 4, largest=largest, tries=1), []
    for _ in range(400):
        kinds = torch.tensor([0, 1, 2, 254, 255])[torch.randperm(5, generator=generator)]
        drawn = torch.rand(1, 16, 20, generator=generator) ** (6 * torch.rand((), generator=generator))
        semseg = kinds[(drawn * 5).long().clamp(max=4)].to(torch.uint8)
        counts = torch.bincount(semseg.flatten(), minlength=256)[:255]
        good = bool((counts > 0).sum() > 1 and counts.max() < largest * counts.sum())
        verdicts.append(good)
        assert crop._is_good(semseg) is good
    assert len(set(verdicts)) == 2


def test_without_a_good_window_the_one_after_the_tries_is_taken(monkeypatch):
    crop = RandomCrop(2, 2, **RULE)
    drawn, place = [], crop._place
    monkeypatch.setattr(crop, "_place", lambda *size: drawn.append(place(*size)) or drawn[-1])
    sample = crop(with_classes(torch.zeros(20, 20)))
    assert len(drawn) == 11
    assert corner(sample) == drawn[-1]


def test_windows_do_not_depend_on_the_other_tasks():
    windows = set()
    for tasks in (LABELS, ("semseg",), ("semseg", "edge")):
        torch.manual_seed(4)
        windows.add(corner(RandomCrop(6, 6, **RULE)(numbered(50, 50, tasks))))
    assert len(windows) == 1


def test_missing_segmentation_is_named():
    with pytest.raises(ValueError, match="needs semseg"):
        RandomCrop(2, 2, **RULE)(numbered(4, 4, ("depth",)))


def test_empty_window_is_refused():
    with pytest.raises(ValueError, match="window of 0 x 4"):
        RandomCrop(0, 4, **RULE)
