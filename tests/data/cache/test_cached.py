import json
import multiprocessing
import pickle
import time
from collections import namedtuple

import numpy as np
import pytest

from mtl.data import DenseDataset, make_loader
from mtl.data.cache import Cached
from mtl.data.cache.shelf import Shelf

TASKS = ("semseg", "depth", "normals")


class Files(DenseDataset):
    """Images of different sizes; counts what it decodes."""

    available = TASKS

    def __init__(self, split="train", tasks=TASKS, length=5, log=None):
        super().__init__(split, tasks)
        self.length = length
        self.log = log
        self.decoded = 0

    def __len__(self):
        return self.length

    def read(self, index):
        self.decoded += 1
        if self.log:
            with self.log.open("a") as file:
                file.write("decoded\n")
            time.sleep(0.05)
        height, width = 4 + index, 6
        rng = np.random.default_rng(index)
        image = rng.integers(256, size=(height, width, 3), dtype=np.uint8).transpose(2, 0, 1)
        maps = {
            "semseg": rng.integers(256, size=(1, height, width), dtype=np.uint8),
            "depth": rng.random((1, height, width), np.float32),
            "normals": rng.random((3, height, width), np.float32),
        }
        sample = {"image": image} | {task: maps[task] for task in self.reads}
        if self.split != "train":
            sample["boundary"] = maps["semseg"] > 9
        return sample | {"meta": {"id": f"{index:03d}", "size": (height, width), "padding": (0, 0)}}


@pytest.fixture
def cached(tmp_path):
    def call(source=None, settings=None, workers=0):
        return Cached(source or Files(), tmp_path, settings or {"root": "here"}, workers)

    return call


def same(one, other):
    assert len(one) == len(other)
    for index in range(len(one)):
        a, b = one.read(index), other.read(index)
        assert list(a) == list(b)
        assert a["meta"] == b["meta"]
        for key in a.keys() - {"meta"}:
            assert a[key].dtype == b[key].dtype
            assert np.array_equal(a[key], b[key])
            assert a[key].flags.writeable
            assert a[key].flags.c_contiguous
    return True


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("split", ["train", "val"])
def test_it_reads_what_its_source_reads(cached, split, workers):
    assert same(cached(Files(split), workers=workers), Files(split))


def test_second_run_decodes_three_images_to_compare_them(cached):
    cached()
    source = Files()
    again = cached(source)
    assert same(again, Files())
    assert source.decoded == 3


@pytest.mark.parametrize("index", [0, 2, 4])
def test_other_images_in_the_same_place_are_noticed(cached, index):
    class Replaced(Files):
        def read(self, place):
            sample = super().read(place)
            if place == index:
                sample["depth"] = sample["depth"] + 1
                sample["meta"]["id"] = "other"
            return sample

    Replaced.__name__ = "Files"
    cached()
    assert same(cached(Replaced()), Replaced())
    assert same(cached(), Files())


def test_disk_too_small_is_named_with_what_it_takes(cached, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(3 << 20))
    with pytest.raises(OSError, match=r"No space left on device: about 4 MiB needed for a cache, 3 MiB free"):
        cached(Files(length=9000))
    assert not list(tmp_path.glob("*/*.bin"))


def test_labels_are_shared_by_runs_of_other_tasks_and_added_when_asked_for(cached, tmp_path):
    alone = cached(Files(tasks=["depth"]))
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert {path.name for path in folder.glob("*.bin")} == {"image.bin", "depth.bin"}
    image = (folder / "image.bin").stat().st_ino
    both = cached(Files(tasks=["depth", "semseg"]))
    assert same(both, Files(tasks=["depth", "semseg"]))
    assert (folder / "image.bin").stat().st_ino == image
    assert same(alone, Files(tasks=["depth"]))
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_other_settings_splits_versions_and_lengths_have_other_caches(cached, tmp_path, monkeypatch):
    cached()
    cached(settings={"root": "there"})
    cached(Files("val"))
    cached(Files(length=4))
    monkeypatch.setattr(Files, "version", 2)
    cached()
    folders = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 5
    assert {json.loads((folder / "about.json").read_text())["length"] for folder in folders} == {4, 5}


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES = {
    "cut": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "another": lambda path: path.write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["depth.bin", "depth.json", "meta.json", "image.bin"])
def test_damaged_file_is_rebuilt_and_the_others_are_not(cached, tmp_path, name, damage):
    cached()
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    whole = (folder / name).read_bytes()
    DAMAGES[damage](folder / name)
    assert same(cached(), Files())
    assert (folder / name).read_bytes() == whole
    assert (folder / "normals.bin").stat().st_ino == before["normals.bin"]


def test_interrupted_decoding_leaves_no_file_that_counts(cached, tmp_path, monkeypatch):
    class Interrupted(Files):
        def read(self, index):
            if index == 3:
                raise KeyboardInterrupt
            return super().read(index)

    Interrupted.__name__ = "Files"
    with pytest.raises(KeyboardInterrupt):
        cached(Interrupted())
    assert [path.name for path in tmp_path.glob("*/*")] == ["about.json"]
    assert same(cached(), Files())


def decode(root, log):
    assert same(Cached(Files(log=log), root, {}, 0), Files())


def test_of_several_processes_at_once_one_decodes_and_all_read(tmp_path):
    context, log = multiprocessing.get_context("fork"), tmp_path / "log"
    processes = [context.Process(target=decode, args=(tmp_path / "cache", log)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert log.read_text().count("decoded") == 5 + 3 * 3  # each also looks at three images


def test_a_pickled_cache_maps_the_files_again(cached):
    one = cached(Files(length=40))
    text = pickle.dumps(one.shelves["normals"])
    assert len(text) < 1000
    assert same(pickle.loads(pickle.dumps(one)), one)


def test_reading_cannot_change_the_cache(cached):
    one = cached()
    one.read(0)["depth"][:] = -1
    assert same(one, Files())


def test_batches_are_those_without_a_cache(cached):
    def depths(dataset, workers):
        loader = make_loader(dataset, batch_size=1, workers=workers, seed=0, train=True)
        return [(batch["meta"][0]["id"], batch["depth"].sum().item()) for batch in loader]

    assert depths(cached(), 0) == depths(cached(), 2) == depths(Files(), 0)


def test_label_of_several_types_is_refused(cached):
    class Mixed(Files):
        def read(self, index):
            sample = super().read(index)
            return sample | {"semseg": sample["semseg"].astype(np.uint8 if index else np.int16)}

    with pytest.raises(ValueError, match=r"semseg has several types in Mixed: <i2, \|u1"):
        cached(Mixed())


def test_a_whole_cache_needs_no_right_to_write(cached, tmp_path, monkeypatch):
    cached()
    monkeypatch.setattr("filelock.FileLock", lambda _: pytest.fail("locked"))
    assert same(cached(), Files())


def test_shelf_that_does_not_fit_its_index_is_refused(cached, tmp_path):
    cached()
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    truncate(folder / "depth.bin")
    with pytest.raises(ValueError, match=r"depth.bin does not have 720 bytes"):
        Shelf(folder, "depth")
