from dataclasses import fields, replace

import pytest

from mtl.data.rooms import spec as module

CHANGES = {
    "split": "test",
    "height": 65,
    "width": 97,
    "fov": 67.0,
    "clutter": 1.1,
    "seed": 1,
    "scenes": 101,
    "scans": 2,
    "views": 2,
}


def test_each_argument_and_the_renderer_version_change_the_name(spec, monkeypatch):
    assert set(CHANGES) == {field.name for field in fields(spec)}
    names = {replace(spec, **{key: value}).name for key, value in CHANGES.items()} | {spec.name}
    monkeypatch.setattr(module, "RENDERER_VERSION", module.RENDERER_VERSION + 1)
    assert len(names | {spec.name}) == len(CHANGES) + 2


def test_index_runs_through_views_then_scans_then_scenes(spec):
    several = replace(spec, scenes=2, scans=3, views=4)
    places = [several.place(index) for index in range(len(several))]
    assert places == [(s, c, v) for s in range(2) for c in range(3) for v in range(4)]


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("height", 8, "at least 16"),
        ("scenes", 0, "at least 1"),
        ("seed", -1, "at least 0"),
        ("fov", 150.0, "20 to 120"),
        ("clutter", 0.0, "above 0"),
    ],
)
def test_impossible_values_are_refused_by_name(spec, name, value, fix):
    with pytest.raises(ValueError, match=f"{name} is {value}; use .*{fix}"):
        replace(spec, **{name: value})
