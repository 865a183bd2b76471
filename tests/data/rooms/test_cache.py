import multiprocessing
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest

from mtl.data.rooms import cache as module
from mtl.data.rooms.cache import Cache
from mtl.data.rooms.render import render
from mtl.data.rooms.spec import LAYOUT


@pytest.fixture
def tiny(spec):
    return replace(spec, height=16, width=24, scenes=2, scans=2, views=1)


def refuse(*arguments):
    raise AssertionError("rendered again")


def test_cache_holds_what_the_renderer_makes(tmp_path, tiny):
    cache = Cache(tmp_path, tiny, workers=0)
    for index in range(len(tiny)):
        maps = render(tiny, *tiny.place(index))
        for name, (_, dtype) in LAYOUT.items():
            assert np.array_equal(cache.arrays[name][index], maps[name].astype(dtype)), name


def test_stored_depth_and_normals_are_close_to_the_rendered(tmp_path, tiny):
    cache, maps = Cache(tmp_path, tiny, workers=0), render(tiny, 0, 0, 0)
    assert (np.abs(cache.arrays["depth"][0] / maps["depth"] - 1)).max() < 5e-4
    stored = cache.arrays["normals"][0].astype(np.float64)
    sine = np.linalg.norm(np.cross(stored, maps["normals"], axis=0), axis=0)
    assert np.degrees(sine.max()) < 0.03


def test_several_workers_write_the_bytes_of_one(tmp_path, tiny):
    one, two = Cache(tmp_path / "one", tiny, workers=0), Cache(tmp_path / "two", tiny, workers=2)
    assert all(np.array_equal(one.arrays[name], two.arrays[name]) for name in LAYOUT)


def test_it_takes_seventeen_bytes_a_pixel(tmp_path, tiny):
    arrays = Cache(tmp_path, tiny, workers=0).arrays.values()
    assert sum(array.nbytes for array in arrays) == 17 * len(tiny) * tiny.height * tiny.width


def test_second_run_reads_the_first_runs_files(tmp_path, tiny, monkeypatch):
    first = Cache(tmp_path, tiny, workers=0)
    monkeypatch.setattr(module, "produce", refuse)
    assert np.array_equal(Cache(tmp_path, tiny, workers=0).arrays["image"], first.arrays["image"])
    with pytest.raises(AssertionError, match="rendered again"):
        Cache(tmp_path, replace(tiny, seed=1), workers=0)


def test_an_interrupted_rendering_leaves_no_cache_and_is_done_again(tmp_path, tiny, monkeypatch):
    def interrupted(folder, spec, workers):
        (folder / "image.npy").write_bytes(b"half an image")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "produce", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Cache(tmp_path, tiny, workers=0)
    assert not (tmp_path / tiny.name).exists()
    assert Cache(tmp_path, tiny, workers=0).arrays["image"].std() > 0
    assert not list(tmp_path.glob("*.unfinished"))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def reshape(path):
    np.save(path, np.load(path)[:-1])


@pytest.mark.parametrize("damage", [truncate, reshape, lambda path: path.write_bytes(b""), lambda path: path.unlink()])
def test_damage_is_named_with_the_folder_to_delete(tmp_path, tiny, damage):
    Cache(tmp_path, tiny, workers=0)
    folder = tmp_path / tiny.name
    damage(folder / "depth.npy")
    with pytest.raises(ValueError, match=r"depth\.npy is damaged .*; delete the folder .* and run again") as error:
        Cache(tmp_path, tiny, workers=0)
    assert str(folder) in str(error.value)


def test_a_pickled_cache_maps_the_files_again(tmp_path, tiny):
    cache = Cache(tmp_path, tiny, workers=0)
    text = pickle.dumps(cache)
    assert len(text) < 2000
    assert np.array_equal(pickle.loads(text).arrays["image"], cache.arrays["image"])


def slow_cache(root, spec, log):
    def slow(folder, spec, workers):
        with log.open("a") as file:
            file.write("rendering\n")
        time.sleep(0.3)
        produce(folder, spec, workers)

    produce, module.produce = module.produce, slow
    assert Cache(root, spec, workers=0).arrays["image"].std() > 0


def test_of_two_processes_at_once_one_renders_and_both_read(tmp_path, tiny):
    context, log = multiprocessing.get_context("fork"), tmp_path / "log"
    both = [context.Process(target=slow_cache, args=(tmp_path, tiny, log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert log.read_text() == "rendering\n"
