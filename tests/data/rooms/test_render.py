import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mtl.data.rooms.camera import pixel_rays
from mtl.data.rooms.layout import build_scene
from mtl.data.rooms.plan import Plan
from mtl.data.rooms.render import render
from mtl.data.rooms.scene import CLASSES

FLOOR = 4  # after the four walls; a rug is another instance
SHARE = {"wall": (30, 55), "floor": (8, 25), "table": (3, 14), "chair": (1.5, 9), "sofa": (2, 14), "person": (1, 10)}


def digest(maps):
    return hashlib.sha256(b"".join(maps[name].tobytes() for name in sorted(maps))).hexdigest()


def rays(spec):
    return pixel_rays(spec).reshape(3, spec.height, spec.width)


def test_normals_are_unit_vectors_that_face_the_camera(spec, views):
    for maps in views:
        assert np.abs(np.linalg.norm(maps["normals"], axis=0) - 1).max() < 1e-5
        assert (maps["normals"] * rays(spec)).sum(0).max() < 0


def test_normals_agree_with_finite_differences_of_depth_inside_instances(spec, views):
    angles = []
    for maps in views[:40]:
        point = rays(spec) * maps["depth"]
        right = point[:, 1:-1, 2:] - point[:, 1:-1, :-2]
        down = point[:, 2:, 1:-1] - point[:, :-2, 1:-1]
        normal = np.cross(down, right, axis=0)
        normal /= np.linalg.norm(normal, axis=0)
        cosine = (normal * maps["normals"][:, 1:-1, 1:-1]).sum(0)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1)))[surrounded(maps["instance"][0])])
    angles = np.concatenate(angles)
    assert np.median(angles) < 0.5
    assert (angles < 5).mean() > 0.9


def surrounded(instance):
    """Inner pixels whose eight neighbours belong to the same instance."""
    height, width = instance.shape
    neighbours = [
        instance[y : y + height - 2, x : x + width - 2] == instance[1:-1, 1:-1] for y in range(3) for x in range(3)
    ]
    return np.all(neighbours, axis=0)


def test_floor_points_lie_in_one_plane_below_the_camera(spec):
    level = replace(spec, clutter=0.01)
    seen = 0
    for scene in range(10):
        maps = render(level, scene, 0, 0)
        floor = maps["instance"][0] == FLOOR
        if floor.sum() < 100:
            continue
        seen += 1
        up = np.median(maps["normals"][:, floor], axis=1)
        height = -(up[:, None] * (rays(spec) * maps["depth"])[:, floor]).sum(0)
        assert up[1] < -0.7
        assert 1.0 - 1e-3 < np.median(height) < 1.8 + 1e-3
        assert np.abs(height - np.median(height)).max() < 1e-4
    assert seen > 3


def test_classes_are_constant_within_an_instance_and_parts_belong_to_people(views):
    people = 0
    for maps in views:
        pairs = {tuple(pair) for pair in np.stack((maps["instance"], maps["semseg"])).reshape(2, -1).T.tolist()}
        assert len({instance for instance, _ in pairs}) == len(pairs)
        person = maps["semseg"] == CLASSES.index("person")
        assert np.array_equal(maps["human_parts"] > 0, person)
        people += person.any()
    assert people > 10


def test_edges_are_exactly_where_the_instance_changes(views):
    for maps in views[:20]:
        instance = maps["instance"][0]
        for y in range(instance.shape[0]):
            for x in range(instance.shape[1]):
                changes = (x > 0 and instance[y, x] != instance[y, x - 1]) or (
                    y > 0 and instance[y, x] != instance[y - 1, x]
                )
                assert maps["edge"][0, y, x] == changes


def test_label_statistics_are_those_of_furnished_rooms(views):
    classes = np.bincount(np.concatenate([maps["semseg"].ravel() for maps in views]), minlength=len(CLASSES))
    share = dict(zip(CLASSES, 100 * classes / classes.sum(), strict=True))
    assert max(share, key=share.get) == "wall"
    assert min(share.values()) > 0.1
    assert {name: share[name] for name, (low, high) in SHARE.items() if not low < share[name] < high} == {}
    assert 0.05 < np.mean([maps["edge"].mean() for maps in views]) < 0.12
    assert 0.1 < np.mean([maps["saliency"].mean() for maps in views]) < 0.35
    assert set(np.unique([maps["human_parts"] for maps in views])) == set(range(7))
    depth = np.stack([maps["depth"] for maps in views])
    assert 0.2 < depth.min() < depth.max() < 10
    assert 2 < depth.mean() < 3.5


def test_images_are_exposed_and_colour_does_not_name_the_class(views):
    for maps in views:
        assert 70 < maps["image"].mean() < 190
        assert maps["image"].std() > 8
    places = [maps["semseg"][0] == CLASSES.index("chair") for maps in views]
    colours = [maps["image"][:, place].mean(1) for maps, place in zip(views, places, strict=True) if place.any()]
    assert np.std(colours, axis=0).min() > 15


def test_types_and_shapes_are_those_of_the_contract(spec, views):
    size = (spec.height, spec.width)
    expected = {
        "image": (np.uint8, 3),
        "semseg": (np.uint8, 1),
        "human_parts": (np.uint8, 1),
        "depth": (np.float32, 1),
        "normals": (np.float32, 3),
        "saliency": (np.uint8, 1),
        "edge": (np.uint8, 1),
        "reshading": (np.float32, 1),
        "instance": (np.int64, 1),
    }
    assert {k: (v.dtype.type, v.shape) for k, v in views[0].items()} == {
        k: (dtype, (channels, *size)) for k, (dtype, channels) in expected.items()
    }


@pytest.mark.parametrize(("height", "width"), [(16, 16), (65, 97), (240, 320)])
def test_any_size_shows_the_same_room(spec, height, width):
    maps = render(replace(spec, height=height, width=width), 1, 0, 0)
    assert maps["image"].shape == (3, height, width)
    assert maps["depth"].mean() == pytest.approx(render(spec, 1, 0, 0)["depth"].mean(), rel=0.3)


def test_the_same_index_is_the_same_bytes_in_another_process_and_order(spec):
    wanted = [(3, 0, 0), (0, 0, 0)]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_render import digest\n"
        "from mtl.data.rooms.render import render\n"
        "from mtl.data.rooms.spec import Spec\n"
        f"spec = {spec!r}\n"
        f"for place in {wanted[::-1]}: print(digest(render(spec, *place)))\n"
    )
    command = [sys.executable, "-c", code, os.path.dirname(__file__)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert [digest(render(spec, *place)) for place in wanted] == printed[::-1]


@pytest.mark.parametrize("change", [{"seed": 1}, {"split": "train"}, {"split": "test"}, {"clutter": 2.0}])
def test_seed_split_and_clutter_make_other_rooms(spec, change):
    other, one = build_scene(replace(spec, **change), 0), build_scene(spec, 0)
    assert len(other.labels) != len(one.labels) or not np.array_equal(other.size, one.size)


def test_no_room_of_one_split_appears_in_another(spec):
    sizes = [build_scene(replace(spec, split=split), n).size for split in ("train", "val", "test") for n in range(20)]
    assert len(np.unique(np.stack(sizes), axis=0)) == 60


def test_views_of_a_scan_differ_a_little_and_scans_a_lot(spec):
    several = replace(spec, scans=2, views=8)
    first, next_view = render(several, 0, 0, 0)["depth"], render(several, 0, 0, 1)["depth"]
    other_scan = render(several, 0, 1, 0)["depth"]
    assert 0 < np.abs(first - next_view).mean() < np.abs(first - other_scan).mean()


def test_more_clutter_means_more_things(spec):
    few, many = (
        np.mean([len(build_scene(replace(spec, clutter=clutter), n).labels) for n in range(10)])
        for clutter in (0.5, 2.0)
    )
    assert few + 8 < many


def test_room_without_space_for_a_door_has_none(spec, monkeypatch):
    monkeypatch.setattr(Plan, "find_wall", lambda *_: None)
    scenes = [build_scene(spec, number) for number in range(3)]  # four of five try a door
    assert not any(CLASSES.index("door") in scene.labels for scene in scenes)
