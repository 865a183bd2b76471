from collections import Counter

import numpy as np
import pytest

from mtl.data import DenseDataset, Sampling
from mtl.data.base import Place
from mtl.data.corruption.sampling import WORDS

TASKS = ("semseg", "depth")


class Building(DenseDataset):
    """`scenes` scenes of `scans` scans of 1, 2 or 3 views; image i is filled with i."""

    available = TASKS

    def __init__(self, split="train", tasks=TASKS, scenes=6, scans=14):
        super().__init__(split, tasks)
        self.shots = [
            Place(f"house_{scene}", f"point_{scan}")
            for scene in range(scenes)
            for scan in range(scans)
            for _ in range(1 + (scene + scan) % 3)
        ]

    def __len__(self):
        return len(self.shots)

    def places(self):
        return self.shots

    def read(self, index):
        labels = {"semseg": np.zeros((1, 1, 1), np.uint8), "depth": np.ones((1, 1, 1), np.float32)}
        image = np.full((3, 1, 1), index, np.uint8)
        return {"image": image} | {task: labels[task] for task in self.reads} | {"meta": {"id": f"image{index}"}}


class Photographs(Building):
    """Images that are not views of scenes."""

    def places(self):
        return None


@pytest.fixture
def sample(tmp_path):
    def call(word, dataset=None, seed=0, scenes=None):
        return Sampling(word, seed, scenes or {}, tmp_path)(dataset or Building())

    return call


def ids(dataset):
    return [dataset[index]["meta"]["id"] for index in range(len(dataset))]


def test_full_is_the_dataset_itself_and_leaves_no_list(sample, tmp_path):
    dataset = Building()
    assert sample("full", dataset) is dataset
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "scans"),
    [("half_scans", 7), ("quarter_scans", 4), ("twelve_scans", 12)],  # a quarter of 14 is 3.5, rounded half up
)
def test_so_many_scans_of_every_scene_stay_with_all_their_views(sample, word, scans):
    kept = Counter(sample(word).places())
    assert Counter(place.scene for place in kept) == {f"house_{scene}": scans for scene in range(6)}
    whole = Counter(Building().places())
    assert all(count == whole[place] for place, count in kept.items())


@pytest.mark.parametrize(
    ("word", "scenes"),
    [("half_scenes", 3), ("quarter_scenes", 2), ("one_scene", 1)],  # a quarter of 6 is 1.5, rounded half up
)
def test_so_many_scenes_stay_with_all_their_scans(sample, word, scenes):
    kept = Counter(sample(word).places())
    assert len({place.scene for place in kept}) == scenes
    whole = Counter(Building().places())
    assert kept == Counter({place: count for place, count in whole.items() if place.scene in {p.scene for p in kept}})


def test_a_quarter_of_ten_scenes_are_three(sample):
    assert len({place.scene for place in sample("quarter_scenes", Building(scenes=10)).places()}) == 3


def test_images_keep_their_order_labels_and_places(sample):
    whole, half = Building(), sample("half_scans")
    numbers = [int(name.removeprefix("image")) for name in ids(half)]
    assert numbers == sorted(numbers)
    assert half.places() == [whole.places()[number] for number in numbers]
    for index, number in enumerate(numbers):
        assert half[index]["image"][0, 0, 0] == number
        assert half[index]["depth"] == 1


def test_single_task_and_multi_task_keep_the_same_images(sample):
    kept = {tuple(ids(sample("quarter_scans", Building(tasks=tasks)))) for tasks in (TASKS, ["depth"], ["semseg"])}
    assert len(kept) == 1


def test_less_is_a_part_of_more(sample):
    for less, more in (("quarter_scans", "half_scans"), ("half_scans", "twelve_scans")):
        assert set(ids(sample(less))) < set(ids(sample(more)))
    for less, more in (("one_scene", "quarter_scenes"), ("quarter_scenes", "half_scenes")):
        assert set(ids(sample(less))) < set(ids(sample(more)))


def test_seed_draws_other_scans_and_another_list(sample, tmp_path):
    assert ids(sample("half_scans")) == ids(sample("half_scans"))
    assert ids(sample("half_scans", seed=1)) != ids(sample("half_scans"))
    assert len(list(tmp_path.iterdir())) == 2


def test_choice_in_a_scene_does_not_depend_on_the_other_scenes(sample):
    few, many = sample("half_scans", Building(scenes=2)).places(), sample("half_scans").places()
    assert set(few) == {place for place in many if place.scene in ("house_0", "house_1")}


def test_scenes_can_be_named_instead(sample):
    kept = sample("one_scene", scenes={"one_scene": ["house_4"], "half_scenes": ["house_1"]})
    assert {place.scene for place in kept.places()} == {"house_4"}
    with pytest.raises(
        ValueError, match=r"dataset.sampling=one_scene: there is no scene house_9, only house_0, house_1"
    ):
        sample("one_scene", scenes={"one_scene": ["house_9"]})


def test_list_tells_what_stays(sample, tmp_path):
    half = sample("half_scans")
    (path,) = tmp_path.iterdir()
    title, *lines = path.read_text().splitlines()
    assert title == f"# dataset.sampling=half_scans, seed 0: {len(half)} of {len(Building())} images"
    assert lines == sorted({" ".join(place) for place in half.places()})
    path.unlink()
    sample("one_scene")
    (path,) = tmp_path.iterdir()
    assert path.read_text().splitlines()[1:] == [sample("one_scene").places()[0].scene]


def test_list_of_another_choice_stops_the_run(sample, tmp_path):
    sample("half_scans")
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace("house_0", "house_7"))
    with pytest.raises(ValueError, match=r"dataset.sampling=half_scans: .*half_scans-.*\.txt lists another choice"):
        sample("half_scans")


@pytest.mark.parametrize("word", WORDS[1:])
def test_images_without_scenes_cannot_be_sampled(sample, word):
    with pytest.raises(
        ValueError, match=f"dataset.sampling={word}: the images of this dataset are not views of scenes"
    ):
        sample(word, Photographs())
    assert isinstance(sample("full", Photographs()), Photographs)


@pytest.mark.parametrize(
    ("word", "size", "reason"),
    [
        ("twelve_scans", {"scans": 8}, "scene house_0 has only 8 scans"),
        ("twelve_scans", {"scans": 12}, "this keeps all of the .* images; use dataset.sampling=full"),
        ("half_scans", {"scans": 1}, "this keeps all of the 12 images"),
        ("one_scene", {"scenes": 1}, "this keeps all of the .* images"),
        ("half_scenes", {"scenes": 1}, "this keeps all of the .* images"),
        ("half_scans", {"split": "val"}, "sampling is for training images, not for the val split"),
        ("one_scene", {"split": "test"}, "sampling is for training images, not for the test split"),
    ],
)
def test_impossible_combinations_are_refused_by_name(sample, word, size, reason):
    with pytest.raises(ValueError, match=f"dataset.sampling={word}: {reason}"):
        sample(word, Building(**size))


def test_unknown_word_is_refused():
    with pytest.raises(ValueError, match=r"dataset.sampling=third_scans: use full or half_scans or"):
        Sampling("third_scans", 0, {}, "nowhere")
