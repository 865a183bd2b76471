from fake_runs import config_of

from mtl.report.command import report_name, training_command

CONFIG = config_of("uniform", ["semseg"])


def test_report_is_named_after_the_experiment():
    assert report_name(["seed=1", "experiment=demo"], CONFIG) == "demo"
    assert report_name(["seed=1"], CONFIG) == "rooms_tiny"


def test_command_keeps_the_words_that_make_runs_comparable():
    words = ["experiment=demo", "model=mtan", "seed=3", "subset=[depth,edge]", "dataset.height=448"]
    assert (
        training_command(words, ["edge"], 1) == "python train.py experiment=demo dataset.height=448 subset=edge seed=1"
    )
