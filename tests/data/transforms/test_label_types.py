import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from mtl.data.transforms import typed

FLIP = v2.RandomHorizontalFlip(1.0)


def test_flip_mirrors_positions_and_the_x_of_normals():
    x = [[0.6, 0.0, -1.0], [0.0, 0.8, 0.0]]
    y = [[0.0, 1.0, 0.0], [0.6, 0.0, 0.0]]
    z = [[-0.8, 0.0, 0.0], [-0.8, -0.6, 0.0]]
    flipped = FLIP(typed("normals", torch.tensor([x, y, z])))
    assert flipped.label.name == "normals"
    assert flipped[0].tolist() == torch.tensor([[1.0, 0.0, -0.6], [0.0, -0.8, 0.0]]).tolist()
    assert flipped[1].tolist() == torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.6]]).tolist()
    assert flipped[2].tolist() == torch.tensor([[0.0, 0.0, -0.8], [0.0, -0.6, -0.8]]).tolist()


def test_flip_twice_gives_the_normals_back():
    normals = typed("normals", torch.nn.functional.normalize(torch.randn(3, 4, 5), dim=0))
    assert torch.equal(FLIP(FLIP(normals)), normals)


def test_flip_moves_depth_without_changing_its_values():
    flipped = FLIP(typed("depth", torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]]])))
    assert flipped.label.name == "depth"
    assert flipped.tolist() == [[[3.0, 2.0, 1.0], [0.0, 5.0, 4.0]]]


def test_a_sample_is_flipped_as_a_whole_or_not_at_all():
    column = torch.arange(3).expand(2, 3)[None]
    sample = {
        "image": tv_tensors.Image(column.expand(3, 2, 3).to(torch.uint8)),
        "semseg": typed("semseg", column.to(torch.uint8)),
        "boundary": typed("boundary", column == 2),
        "depth": typed("depth", column.float()),
        "normals": typed("normals", column.expand(3, 2, 3).float()),
        "meta": {"id": "a", "size": (2, 3)},
    }
    torch.manual_seed(0)
    seen = set()
    for _ in range(20):
        out = v2.RandomHorizontalFlip(0.5)(sample)
        first = {key: abs(int(out[key][0, 0, 0])) for key in ("image", "semseg", "depth", "normals")}
        assert len(set(first.values())) == 1
        assert bool(out["boundary"][0, 0, 0]) == (first["image"] == 2)
        assert out["meta"] == sample["meta"]
        seen.add(first["image"])
    assert seen == {0, 2}


def test_resizing_depth_never_invents_values():
    depth = typed("depth", torch.tensor([[[1.0, 5.0], [5.0, 1.0]]]))
    assert set(v2.functional.resize(depth, [7, 7]).unique().tolist()) == {1.0, 5.0}


def test_label_survives_every_transform():
    depth = typed("depth", torch.ones(1, 4, 6))
    for change in (v2.Resize((8, 8)), v2.CenterCrop(2), v2.Pad(1), FLIP):
        assert change(depth).label is depth.label
