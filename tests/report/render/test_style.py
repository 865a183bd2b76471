import pytest

from mtl.report.render.style import COLOURS, signed, spread


def test_every_task_has_its_own_colour():
    assert list(COLOURS)[:6] == ["semseg", "human_parts", "depth", "normals", "saliency", "edge"]
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_close_names_are_spread_around_their_middle():
    assert spread([0.1, 0.5, 0.5, 0.9], 0.2) == pytest.approx([0.1, 0.4, 0.6, 0.9])
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.2, 0.8], 0.1) == pytest.approx([0.2, 0.8])


def test_names_stay_within_the_height_of_the_axes():
    assert spread([0.95, 0.95, 0.95], 0.1) == pytest.approx([0.8, 0.9, 1.0])
    assert spread([-0.2, 0.02], 0.1) == pytest.approx([0.0, 0.1])


def test_formatted_number_has_a_minus_and_zero_has_no_sign():
    assert [signed(value, 1) for value in (2.34, -1.25, 0.04, -0.04)] == ["+2.3", "−1.2", "0.0", "0.0"]
