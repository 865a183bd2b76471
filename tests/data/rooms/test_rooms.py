import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from mtl.data import Rooms, make_loader
from mtl.data.rooms.render import render
from mtl.data.transforms import Normalize

TASKS = ("semseg", "human_parts", "depth", "normals", "saliency", "edge", "disparity", "reshading")
LOOK = {"height": 32, "width": 48, "fov": 66, "clutter": 1, "seed": 0}
NORMALIZE = Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("rooms")


def rooms(root, split="val", tasks=TASKS, **changes):
    size = {"scenes": 3, "scans": 1, "views": 2, "workers": 0}
    return Rooms(root=root, split=split, tasks=tasks, **(LOOK | size | changes))


def test_evaluation_sample_holds_labels_boundary_and_meta(root):
    dataset = rooms(root)
    assert len(dataset) == 6
    sample, maps = dataset[3], render(dataset.spec, 1, 0, 1)
    assert set(sample) == {"image", *TASKS, "boundary", "meta"}
    for name in ("image", "semseg", "human_parts", "saliency", "edge"):
        assert sample[name].dtype == torch.uint8
        assert np.array_equal(sample[name], maps[name])
    assert sample["boundary"].dtype == torch.bool
    assert np.array_equal(sample["boundary"], maps["edge"] == 1)
    assert sample["meta"] == {"id": "val_0001_000_001", "size": (32, 48), "padding": (0, 0)}


def test_depth_and_normals_come_back_as_float32_in_natural_units(root):
    dataset = rooms(root)
    sample, maps = dataset[0], render(dataset.spec, 0, 0, 0)
    assert sample["depth"].dtype == sample["normals"].dtype == torch.float32
    np.testing.assert_allclose(sample["depth"], maps["depth"], rtol=5e-4)
    np.testing.assert_allclose(sample["normals"], maps["normals"], atol=6e-4)
    np.testing.assert_allclose(np.linalg.norm(sample["normals"], axis=0), 1, atol=1e-6)


def test_training_sample_holds_the_requested_tasks_only(root):
    assert set(rooms(root, "train", ["depth"])[0]) == {"image", "depth", "meta"}


def test_boundary_is_there_without_the_edge_task(root):
    assert set(rooms(root, "test", ["depth"])[0]) == {"image", "depth", "boundary", "meta"}


def test_all_tasks_share_one_cache(root):
    rooms(root, tasks=["semseg"])
    before = sorted(root.iterdir())
    rooms(root, tasks=["normals", "edge"])
    assert sorted(root.iterdir()) == before


def test_a_batch_is_ready_for_a_network(root):
    transform = v2.Compose([v2.RandomHorizontalFlip(p=0.5), NORMALIZE])
    dataset = rooms(root, "train", ["semseg", "depth", "normals"], transform=transform)
    batch = next(iter(make_loader(dataset, batch_size=4, workers=0, seed=0, train=True)))
    assert [m["id"][:6] for m in batch.pop("meta")] == ["train_"] * 4
    assert {key: (value.dtype, tuple(value.shape)) for key, value in batch.items()} == {
        "image": (torch.float32, (4, 3, 32, 48)),
        "semseg": (torch.uint8, (4, 1, 32, 48)),
        "depth": (torch.float32, (4, 1, 32, 48)),
        "normals": (torch.float32, (4, 3, 32, 48)),
    }
    assert batch["image"].mean().abs() < 1.5
    assert all(type(value) is torch.Tensor for value in batch.values())


def test_reading_cannot_change_the_cache(root):
    dataset = rooms(root)
    dataset[0]["image"].zero_()
    assert dataset[0]["image"].max() > 0


def test_positional_arguments_are_refused():
    with pytest.raises(TypeError, match="positional"):
        Rooms("data", "train", ["depth"], 64, 96, 66, 1, 0, 1, 1, 1, 0)


def test_fingerprint_follows_the_bytes_that_are_read(tmp_path):
    one, two = (rooms(tmp_path / name, tasks=["disparity", "edge"], scenes=1) for name in ("one", "two"))
    first = one.about()["fingerprint"]
    assert set(first) == {"image", "depth", "edge"}
    assert two.about()["fingerprint"] == first
    path = two.cache.folder / "depth.npy"
    values = np.load(path)
    values[0, 0, 0, 0] += 1
    np.save(path, values)
    changed = two.about()["fingerprint"]
    assert {key for key in first if changed[key] != first[key]} == {"depth"}


def test_fingerprint_reads_unchanged_files_once(root, monkeypatch):
    first = rooms(root).about()["fingerprint"]
    monkeypatch.setattr("mtl.data.disk.manifest.fingerprint", lambda file: pytest.fail(f"{file} read again"))
    assert rooms(root).about()["fingerprint"] == first
