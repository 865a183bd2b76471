import pytest
from omegaconf import OmegaConf

from mtl import build
from mtl.build.model import class_names, rebuild


def config_without(key, words, folder):
    """The config.yaml of a run as an earlier version wrote it, without a key that the network has needed since."""
    cfg = build.compose(words)
    OmegaConf.resolve(cfg)
    OmegaConf.set_struct(cfg, False)
    node, _, name = key.rpartition(".")
    del OmegaConf.select(cfg, node)[name]
    OmegaConf.save(cfg, folder / "config.yaml")
    return folder / "config.yaml"


@pytest.mark.parametrize(
    "key", ["backbone.encoder.upsample", "backbone.encoder.bn_momentum", "model.network.squeeze_bias"]
)
def test_config_of_an_earlier_network_is_refused_and_not_taken_for_the_present_one(key, tmp_path):
    path = config_without(key, ["model=mti_net"], tmp_path)
    name = key.rpartition(".")[2]
    with pytest.raises(
        ValueError, match=rf"config.yaml was written by a different version .*'{name}'.*: train the run"
    ):
        rebuild(path)


def test_config_from_before_the_switch_of_the_last_tap_keeps_its_network(tmp_path):
    model, *_ = rebuild(config_without("backbone.encoder.norm_last", ["backbone=vit_tiny"], tmp_path))
    assert "norm.weight" in model.backbone.body.state_dict()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["dataset=nyud"], ["semseg"]),
        (["dataset=nyud", "dataset.num_classes.semseg=11"], []),
        (["dataset=pascal_context", "dataset.num_classes.semseg=20"], ["human_parts"]),
        (["dataset=pascal_context", "dataset.tasks.human_parts.channels=5"], ["semseg"]),
        (["dataset=rooms"], ["semseg"]),
        (["dataset=rooms", "dataset.num_classes.semseg=20"], []),
        (["dataset=camvid", "subset=edge"], []),
    ],
    ids=lambda words: "_".join(words) or "none",
)
def test_classes_of_another_number_have_no_names_and_the_log_says_so(words, named, caplog):
    cfg = build.compose(words)
    assert list(class_names(cfg, build.build_tasks(cfg))) == named
    changed = [word for word in words if "num_classes" in word or "channels" in word]
    assert len(caplog.messages) == len(changed)
    if "dataset.num_classes.semseg=11" in words:
        assert caplog.messages == ["the 11 classes of semseg have no names: nyud has 40"]
