"""Words of the config that change the images of a run, tried on the rooms."""

import shutil
from collections import namedtuple

import pytest
import torch
from tiny import SIZE

from mtl import build
from mtl.build.data import build_dataset
from mtl.data import make_loader

NOISY = ["subset=[semseg,depth,normals]", "dataset.noise=pixel"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def dataset(home):
    def call(*words, split="train", tasks=None):
        cfg = build.compose([*SIZE, f"data={home}/data", f"results={home}/results", *words])
        return build_dataset(cfg, split, tasks or build.subset(cfg))

    return call


def batches(dataset):
    loader = make_loader(dataset, batch_size=2, workers=0, seed=0, train=dataset.split == "train")
    return list(loader)


def same(one, other, keys=None):
    assert [batch["meta"] for batch in one] == [batch["meta"] for batch in other]
    keys = keys or one[0].keys() - {"meta"}
    return all(torch.equal(a[key], b[key]) for a, b in zip(one, other, strict=True) for key in keys)


def test_plain_rooms_are_the_rooms_alone(dataset):
    assert [type(dataset(split=split)).__name__ for split in ("train", "val")] == ["Rooms", "Rooms"]


@pytest.mark.parametrize(("word", "images"), [("half_scans", 4), ("quarter_scans", 2), ("one_scene", 4)])
def test_training_images_get_fewer_and_those_for_validation_stay(dataset, home, word, images):
    assert len(dataset()) == 8
    few = dataset(f"dataset.sampling={word}")
    assert len(few) == images
    assert {image["meta"]["id"] for image in few} < {image["meta"]["id"] for image in dataset()}
    assert len(dataset(f"dataset.sampling={word}", split="val")) == len(dataset(split="val"))
    assert len(list((home / "results/lists/rooms").glob(f"{word}-*.txt"))) == 1


def test_every_task_trains_on_the_same_few_images_in_the_same_order(dataset):
    words = ["dataset.sampling=half_scans", "subset=[semseg,depth,normals]"]
    together = batches(dataset(*words))
    for task in ("semseg", "depth", "normals"):
        assert same(together, batches(dataset(*words, tasks=[task])), ["image", task])


def test_training_labels_get_worse_and_those_for_validation_stay(dataset):
    clean, noisy = (batches(dataset(*words)) for words in (NOISY[:1], NOISY))
    assert same(clean, noisy, ["image"])
    for task in ("semseg", "depth", "normals"):
        assert not same(clean, noisy, [task])
        assert same(noisy, batches(dataset(*NOISY, tasks=[task])), ["image", task])
    assert same(*(batches(dataset(*words, split="val")) for words in (NOISY[:1], NOISY)))


def test_the_wrong_labels_of_a_part_are_those_of_the_whole(dataset):
    whole = {sample["meta"]["id"]: sample for sample in map(dataset(*NOISY).read, range(8))}
    half = dataset(*NOISY, "dataset.sampling=half_scans")
    for sample in map(half.read, range(4)):
        assert (sample["semseg"] == whole[sample["meta"]["id"]]["semseg"]).all()


@pytest.mark.parametrize("words", [[], [*NOISY, "dataset.sampling=half_scans"]], ids=["plain", "corrupt"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_cache_changes_no_bit_of_a_batch(dataset, home, split, words):
    plain, cached = dataset(*words, split=split), dataset(*words, "dataset.cache=true", split=split)
    assert same(batches(plain), batches(cached))
    assert same(batches(plain), batches(dataset(*words, "dataset.cache=true", "dataset.render_workers=0", split=split)))
    assert len([path for path in (home / "data/cache").glob(f"Rooms_{split}_*") if path.is_dir()]) == 1


def test_an_evaluation_scores_evenly_spaced_images_if_the_recipe_says_so(dataset):
    whole = [image["meta"]["id"] for image in dataset(split="val")]
    few = dataset("recipe.val_images=2", split="val")
    assert [image["meta"]["id"] for image in few] == [whole[0], whole[len(whole) // 2]]
    assert few.about()["images"] == 2
    assert few.about()["of"] == len(whole)
    assert len(dataset("recipe.val_images=2")) == len(dataset())
    with pytest.raises(ValueError, match=f"recipe.val_images=99: the val split has only {len(whole)} images"):
        dataset("recipe.val_images=99", split="val")


def test_automatic_cache_takes_at_most_half_of_the_free_space(dataset, tmp_path, monkeypatch, caplog):
    words = [f"data={tmp_path}", "dataset.cache=auto"]
    rooms = dataset(*words[:1])
    size = len(rooms) * sum(value.nbytes for key, value in rooms.read(0).items() if key != "meta")
    free = namedtuple("usage", "free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: free(2 * size - 1))
    assert type(dataset(*words)).__name__ == "Rooms"
    assert not list(tmp_path.glob("cache/*/*.bin"))
    assert "no cache of rooms train, every use decodes its images again" in caplog.text
    monkeypatch.setattr("shutil.disk_usage", lambda _: free(2 * size))
    assert same(batches(rooms), batches(dataset(*words)))
    assert list(tmp_path.glob("cache/*/depth.bin"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: free(0))
    assert type(dataset(*words)).__name__ == "Cached"  # it is there already
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(OSError, match="needed for a cache"):
        dataset(*words[:1], "dataset.cache=true")


def test_folder_that_cannot_be_written_leaves_the_automatic_cache_out(dataset, tmp_path, caplog):
    dataset(f"data={tmp_path}")
    (tmp_path / "cache").write_text("in the way")
    assert type(dataset(f"data={tmp_path}", "dataset.cache=auto")).__name__ == "Rooms"
    assert f"{tmp_path}/cache/Rooms_train_" in caplog.text
    with pytest.raises(OSError, match="Not a directory"):
        dataset(f"data={tmp_path}", "dataset.cache=true")
