from functools import partial

import pytest
import torch

from mtl.backbones import Pyramid
from mtl.heads import DeepLabHead
from mtl.models import Outputs, Vanilla
from mtl.task import Task

NYUD = {"semseg": 40, "depth": 1, "normals": 3, "edge": 1}
PASCAL = {"semseg": 21, "human_parts": 7, "normals": 3, "saliency": 2, "edge": 1}


def tasks(channels):
    return [Task(name, number, loss=None, metric=None) for name, number in channels.items()]


def small(channels, seed=0):
    torch.manual_seed(seed)
    backbone = Pyramid(
        "resnet18.tv_in1k",
        pretrained=False,
        output_stride=8,
        stem_pool=False,
        layers=[1, 1, 1, 1],
        channels=[8, 8, 16, 16],
        stem_type="deep",
        stem_width=8,
    )
    return Vanilla(tasks(channels), backbone, partial(DeepLabHead, channels=8, dilations=(2, 4), dropout=0.0))


@pytest.mark.parametrize("size", [(64, 96), (45, 67)])
def test_every_task_is_predicted_at_the_size_of_the_image(size):
    outputs = small(NYUD).eval()(torch.randn(1, 3, *size))
    assert {name: tuple(p.shape) for name, p in outputs.final.items()} == {
        name: (1, channels, *size) for name, channels in NYUD.items()
    }
    assert list(outputs.final) == list(NYUD)
    assert len(outputs.auxiliary) == 0


def test_every_parameter_gets_a_gradient():
    model = small(PASCAL)
    outputs = model(torch.randn(4, 3, 32, 48))
    sum(prediction.square().mean() for prediction in outputs.final.values()).backward()
    assert [name for name, parameter in model.named_parameters() if not parameter.grad.any()] == []


def test_shared_and_task_parameters_cover_the_network_exactly_once():
    model = small(PASCAL)
    parts = [model.shared_parameters(), *(model.task_parameters(name) for name in PASCAL)]
    listed = [id(parameter) for part in parts for parameter in part]
    assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())


def test_last_layer_is_a_shared_parameter():
    model = small(NYUD)
    assert any(model.last_layer is parameter for parameter in model.shared_parameters())


def test_forward_is_decode_of_one_copy_of_the_maps_per_task():
    model = small(NYUD).eval()
    image = torch.randn(2, 3, 32, 48)
    maps = model.encode(image)
    copies = [[feature.clone() for feature in maps] for _ in NYUD]
    outputs = model.decode(copies, (32, 48))
    assert isinstance(outputs, Outputs)
    for name, prediction in model(image).final.items():
        assert torch.equal(outputs.final[name], prediction)


def test_task_reads_its_own_copy_and_no_other():
    model = small(NYUD)
    maps = model.encode(torch.randn(2, 3, 32, 48))
    copies = [[feature.detach().requires_grad_() for feature in maps] for _ in NYUD]
    model.decode(copies, (32, 48)).final["normals"].sum().backward()
    reached = [copy[0].grad is not None for copy in copies]
    assert reached == [name == "normals" for name in NYUD]


def test_bias_of_a_task_starts_its_prediction():
    head = partial(DeepLabHead, channels=8, dilations=(2,), dropout=0.0)
    records = [Task("depth", 1, None, None, bias=2.63), Task("edge", 1, None, None)]
    model = Vanilla(records, small({"edge": 1}).backbone, head)
    assert model.heads["depth"].output.bias.item() == pytest.approx(2.63)
    assert model.heads["edge"].output.bias.item() == 0


def test_size_the_backbone_cannot_take_is_refused():
    model = small({"depth": 1})
    model.backbone.multiple = 32
    with pytest.raises(ValueError, match="45 x 64"):
        model(torch.randn(2, 3, 45, 64))
