from fake_runs import config_of

from mtl.report.command import report_name, training_command

CONFIG = config_of("uniform", ["semseg"])


def test_report_is_named_after_the_experiment():
    assert report_name(["seed=1", "experiment=demo"], CONFIG) == "demo"
    assert report_name(["seed=1"], CONFIG) == "rooms_tiny"


def test_command_keeps_the_words_that_make_runs_comparable():
    words = ["experiment=demo", "model=mtan", "seed=3", "subset=[depth,edge]", "dataset.height=448"]
    assert (
        training_command(words, ["edge"], 1, CONFIG)
        == "python train.py experiment=demo dataset.height=448 backbone=tiny subset=edge seed=1"
    )


def test_command_leaves_out_all_that_belongs_to_the_weighter():
    words = [
        "weighter=url",
        "weighter.alignment.lr=1",
        "+weighter.nope=1",
        "~weighter.alignment",
        "~logger.tensorboard",
    ]
    assert (
        training_command(words, ["edge", "depth"], 0, config_of("url", ["edge", "depth"]))
        == "python train.py -m ~logger.tensorboard subset=edge,depth seed=0"
    )


def test_command_undoes_what_an_experiment_chose_and_keeps_the_backbone_that_its_model_brought():
    config = config_of("url", ["edge"]) | {"model": {"name": "mtan"}}
    assert (
        training_command(["experiment=table2"], ["edge"], 0, config)
        == "python train.py experiment=table2 model=vanilla weighter=uniform backbone=tiny subset=edge seed=0"
    )
    assert (
        training_command(["model=mtan", "backbone=resnet18"], ["edge"], 0, config | {"weighter": {"name": "uniform"}})
        == "python train.py backbone=resnet18 subset=edge seed=0"
    )
