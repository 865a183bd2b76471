import cv2
import numpy as np
import pytest
import torch
from samples import numbered, picture
from torchvision import tv_tensors

from mtl.data.transforms import PhotometricDistortion, photometric
from mtl.data.transforms.photometric import in_hsv, table

SETTING = {"brightness": 32, "contrast": [0.5, 1.5], "saturation": [0.5, 1.5], "hue": 18}


def distort(image, coins, numbers=(), turn=0):
    """The image [3, H, W] for these outcomes of coins and draws, in order."""
    sample = numbered(*image.shape[1:]) | {"image": tv_tensors.Image(torch.from_numpy(image))}
    coins, numbers = iter(coins), iter(numbers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photometric, "coin", lambda: next(coins))
        patch.setattr(photometric, "uniform", lambda low, high: next(numbers))
        patch.setattr(photometric.torch, "randint", lambda low, high, size: torch.tensor(turn))
        out = PhotometricDistortion(**SETTING)(sample)
    assert next(coins, None) is next(numbers, None) is None
    return out["image"].numpy()


def shifted(pixels, factor=1.0, offset=0.0):
    """The same step written out in floating point."""
    return np.clip(pixels.astype(np.float32) * factor + offset, 0, 255).astype(np.uint8)


def test_bytes_are_scaled_shifted_clipped_and_cut_off():
    assert table(1, -10.5)[[0, 10, 11, 255]].tolist() == [0, 0, 0, 244]
    assert table(1, 31.9)[[0, 223, 224]].tolist() == [31, 254, 255]
    assert table(1.5, 0)[[0, 1, 3, 170, 171]].tolist() == [0, 1, 4, 255, 255]


def test_table_says_what_the_formula_says():
    pixels = np.arange(256, dtype=np.uint8)
    for factor, offset in np.random.default_rng(0).uniform((0.5, -32), (1.5, 32), (50, 2)).tolist():
        assert np.array_equal(table(factor, offset), shifted(pixels, factor, offset))


NEVER = [False, False, False, False, False]


def test_all_coins_down_leave_the_image_alone():
    assert np.array_equal(distort(picture(), NEVER), picture())


def test_brightness_and_contrast_are_those_of_the_formula():
    assert np.array_equal(distort(picture(), [True, *NEVER[1:]], [-20.25]), shifted(picture(), 1.0, -20.25))
    contrast_first = [False, False, True, False, False]
    contrast_last = [False, True, False, False, True]
    for coins in (contrast_first, contrast_last):
        assert np.array_equal(distort(picture(), coins, [1.37]), shifted(picture(), 1.37))


def expected_colours(image, factor=None, turn=None):
    """Saturation, then hue, as usually written with OpenCV."""
    pixels = image.transpose(1, 2, 0).copy()
    if factor is not None:
        hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
        hsv[:, :, 1] = shifted(hsv[:, :, 1], factor)
        pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if turn is not None:
        hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
        hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + turn) % 180
        pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return pixels.transpose(2, 0, 1)


@pytest.mark.parametrize("turn", [-18, -1, 0, 17])
def test_hue_is_turned_in_eight_bit_hsv(turn):
    got = distort(picture(), [False, False, False, False, True], turn=turn)
    assert np.array_equal(got, expected_colours(picture(), turn=turn))


@pytest.mark.parametrize("factor", [0.5, 0.99, 1.5])
def test_saturation_is_multiplied_in_eight_bit_hsv(factor):
    got = distort(picture(), [False, False, False, True, False], [factor])
    assert np.array_equal(got, expected_colours(picture(), factor))


def test_contrast_comes_before_the_colours_or_after_them():
    first = distort(picture(), [True, False, True, True, True], [9.0, 1.4, 0.7], turn=11)
    bright = shifted(picture(), 1.0, 9.0)
    assert np.array_equal(first, expected_colours(shifted(bright, 1.4), 0.7, 11))
    last = distort(picture(), [True, True, True, True, True], [9.0, 0.7, 1.4], turn=11)
    assert np.array_equal(last, shifted(expected_colours(bright, 0.7, 11), 1.4))
    assert not np.array_equal(first, last)


def test_red_turned_by_sixty_degrees_is_yellow_and_hues_go_round():
    red = np.array([255, 0, 0], np.uint8).reshape(1, 1, 3)
    turned = in_hsv(red, 0, ((np.arange(256) + 30) % 180).astype(np.uint8))
    assert turned.ravel().tolist() == [255, 255, 0]
    back = in_hsv(red, 0, ((np.arange(256) - 60) % 180).astype(np.uint8))
    assert back.ravel().tolist() == [0, 0, 255]


def test_labels_types_and_the_sample_it_was_given_stay():
    before = numbered(6, 7)
    copy = {key: value.clone() for key, value in before.items() if key != "meta"}
    torch.manual_seed(0)
    after = PhotometricDistortion(**SETTING)(before)
    assert type(after["image"]) is tv_tensors.Image
    assert not torch.equal(after["image"], copy["image"])
    assert all(torch.equal(before[key], copy[key]) for key in copy)
    assert all(after[key] is before[key] for key in before if key != "image")


def test_draws_have_the_ranges_of_the_setting(monkeypatch):
    seen = {"uniform": [], "turn": []}
    uniform, randint = photometric.uniform, torch.randint
    monkeypatch.setattr(photometric, "uniform", lambda *r: seen["uniform"].append((r, uniform(*r))) or 1.0)
    monkeypatch.setattr(photometric.torch, "randint", lambda *r: seen["turn"].append(randint(*r)) or seen["turn"][-1])
    torch.manual_seed(0)
    for _ in range(600):
        PhotometricDistortion(**SETTING)(numbered(1, 1))
    for low, high in ((-32, 32), (0.5, 1.5)):
        drawn = [value for bounds, value in seen["uniform"] if bounds == (low, high)]
        count = 300 if low < 0 else 600  # contrast and saturation
        assert abs(len(drawn) - count) < 60
        assert low <= min(drawn) < low + 0.03 * (high - low)
        assert high - 0.03 * (high - low) < max(drawn) <= high
    assert {int(turn) for turn in seen["turn"]} == set(range(-18, 18))
