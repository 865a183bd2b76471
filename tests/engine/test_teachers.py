import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mtl.backbones import Backbone
from mtl.engine.teachers import Teachers, load_singles
from mtl.models import MultiTaskModel, Vanilla
from mtl.run.checkpoint import save_checkpoint
from mtl.task import Task


class Small(Backbone):
    """Convolution, BatchNorm and dropout, whose output depends on the mode."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels, self.strides = [3, width], [1, 1]
        self.convolution, self.norm = nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [image, nn.functional.dropout(self.norm(self.convolution(image)), 0.5, self.training)]

    @property
    def last_layer(self) -> nn.Parameter:
        return self.convolution.weight


class Head(nn.Module):
    def __init__(self, in_channels: list[int], out_channels: int, bias: float) -> None:
        super().__init__()
        self.out = nn.Conv2d(in_channels[-1], out_channels, 1)

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> Tensor:
        return self.out(maps[-1])


def model(name: str, width: int = 4) -> MultiTaskModel:
    return Vanilla([Task(name, 1, loss=None, metric=None)], Small(width), Head)


@pytest.fixture
def image() -> Tensor:
    return torch.randn(2, 3, 4, 6)


def test_every_task_is_shown_the_maps_of_its_own_network(image):
    models = [model("depth"), model("edge")]
    shown = Teachers(models).features(image)
    assert [m.shape[1] for m in shown[0]] == Teachers(models).channels == [3, 4]
    for own, maps in zip(models, shown, strict=True):
        assert torch.equal(maps[1], own.backbone.norm(own.backbone.convolution(image)))
    assert not torch.equal(shown[0][1], shown[1][1])


def test_teachers_stay_as_they_are(image):
    teachers = Teachers([model("depth").train()])
    (own,) = teachers.models
    before = copy.deepcopy(own.state_dict())
    first = teachers.features(image)
    assert not own.training
    assert not any(m.requires_grad for m in first[0])
    assert not any(p.requires_grad for p in own.parameters())
    assert all(torch.equal(value, before[key]) for key, value in own.state_dict().items())
    assert torch.equal(teachers.features(image)[0][1], first[0][1])


def saved(tmp_path: Path, own: MultiTaskModel) -> dict[str, Path]:
    (name,) = own.task_names
    save_checkpoint({"model": own.state_dict(), "step": 3}, tmp_path / f"{name}.pt")
    return {name: tmp_path / f"{name}.pt"}


def test_weights_come_from_the_checkpoints(tmp_path, image):
    depth, edge = model("depth"), model("edge")
    checkpoints = saved(tmp_path, edge) | saved(tmp_path, depth)
    load_singles(networks := [model("depth"), model("edge")], checkpoints)
    for own, shown in zip((depth, edge), Teachers(networks).features(image), strict=True):
        assert torch.equal(own.eval().encode(image)[1], shown[1])


def test_checkpoint_that_does_not_fit_is_named(tmp_path):
    checkpoints = saved(tmp_path, model("depth"))
    with pytest.raises(ValueError, match="no single-task network of edge"):
        load_singles([model("depth"), model("edge")], checkpoints)
    with pytest.raises(ValueError, match=r"depth\.pt is not a single-task network of edge"):
        load_singles([model("edge")], {"edge": checkpoints["depth"]})
    with pytest.raises(ValueError, match=r"depth\.pt is not a single-task network of depth"):
        load_singles([model("depth", width=5)], checkpoints)
    checkpoints["depth"].write_bytes(checkpoints["depth"].read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"depth\.pt is corrupt"):
        load_singles([model("depth")], checkpoints)


def test_teachers_with_nan_are_refused(tmp_path):
    broken = model("depth")
    broken.backbone.norm.running_var[2] = torch.nan
    save_checkpoint({"model": broken.state_dict()}, tmp_path / "depth.pt")
    with pytest.raises(ValueError, match=r"depth.pt: backbone.norm.running_var contains NaN or infinity"):
        load_singles([model("depth")], {"depth": tmp_path / "depth.pt"})


@pytest.mark.parametrize("content", [[1, 2], {"model": 3}, {"model": [1]}, torch.zeros(3)], ids=str)
def test_what_is_no_network_is_named(tmp_path, content):
    torch.save(content, tmp_path / "depth.pt")
    with pytest.raises(ValueError, match=r"depth.pt is not a (checkpoint|single-task network of depth)"):
        load_singles([model("depth")], {"depth": tmp_path / "depth.pt"})
