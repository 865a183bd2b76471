"""The part of a config that names a run: all that can change its result, and nothing else."""

import pytest
import torchvision.transforms.v2 as transforms

from mtl import build, data


def digest(*words):
    return build.run_folder(build.compose(words)).parent.name


@pytest.mark.parametrize(
    "words",
    [
        ["+dataset.tasks.stuff={_target_: mtl.task.Task, name: stuff}"],  # a task that the run does not train
        ["+dataset.grid_weights.stuff=3"],
        ["dataset.grid_weights.depth=7"],  # that Uniform does not read
        ["protocol=sak"],  # depth has no edges
        ["dataset.default_tasks=[depth]"],
        ["recipe.accumulation=first"],  # of a single part
        ["dataset.operations.sampling.seed=3"],  # of a sampling that keeps everything
        ["dataset.operations.noise.depth=1.0"],
        ["logger=csv"],
        ["logging.checkpoint_minutes=1"],
        ["workers=2"],
    ],
    ids=lambda words: words[0],
)
def test_what_cannot_change_a_result_trains_nothing_again(words):
    assert digest("subset=depth", *words) == digest("subset=depth")


@pytest.mark.parametrize(
    "words",
    [
        ["recipe.optimizer.lr=1e-3"],
        ["recipe.val_images=2"],
        ["dataset.height=128"],
        ["dataset.epochs=4"],
        ["dataset.noise=pixel"],
        ["dataset.sampling=half_scans"],
        ["dataset.tasks.depth.bias=1.0"],
        ["backbone.head.dropout=0.1"],
        ["recipe.micro_batches=2"],
    ],
    ids=lambda words: words[0],
)
def test_what_can_change_a_result_gets_a_folder_of_its_own(words):
    assert digest("subset=depth", *words) != digest("subset=depth")


def test_weights_count_where_the_weighter_reads_them_and_for_its_tasks_alone():
    words = ["subset=[semseg,depth]", "weighter=grid_search"]
    assert digest(*words, "dataset.grid_weights.depth=7") != digest(*words)
    assert digest(*words, "dataset.grid_weights.edge=7") == digest(*words)


def test_length_in_epochs_counts_only_where_it_is_the_length():
    assert digest("recipe.steps=10", "dataset.epochs=4") == digest("recipe.steps=10")


def test_a_class_that_raises_its_version_trains_again(monkeypatch):
    before = digest("subset=depth")
    monkeypatch.setattr(transforms.RandomHorizontalFlip, "version", 1, raising=False)
    assert digest("subset=depth") == before
    monkeypatch.setattr(data.Rooms, "version", data.Rooms.version + 1)
    changed = digest("subset=depth")
    assert changed != before
    monkeypatch.setattr(transforms.RandomHorizontalFlip, "version", 2, raising=False)
    assert digest("subset=depth") not in (before, changed)
