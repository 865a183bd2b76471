"""What a run has trained comes back, and predicts for any picture."""

import json
import os
import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny
from torch import nn
from torchvision.transforms.v2 import Compose

import mtl
from mtl import build
from mtl.data.disk.decode import read_image
from mtl.data.rooms.scene import CLASSES
from mtl.data.transforms import Normalize, Pad
from mtl.engine.evaluator import Evaluator
from mtl.trained import TrainedModel, UnfitPictureError

ROOT = Path(__file__).parent.parent
TASKS = ["semseg", "human_parts", "depth", "normals", "saliency", "edge"]
WORDS = [f"subset=[{','.join(TASKS)}]", "logger=csv", "keep=both", "backbone.pretrained=true"]  # asks nobody


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> SimpleNamespace:
    """A run of the tiny network, trained through the front door."""
    folder = tmp_path_factory.mktemp("trained")
    words = tiny(folder, *WORDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py", *words])
        runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
    (run,) = folder.glob("results/runs/*/seed0")
    return SimpleNamespace(run=run, cfg=build.compose(words), record=json.loads((run / "record.json").read_text()))


@pytest.fixture(scope="module")
def model(trained) -> TrainedModel:
    return mtl.load(trained.run)


def test_loaded_network_scores_what_the_run_recorded(trained):
    trainer = build.build_trainer(trained.cfg, trained.run.parent / "again")
    evaluator = Evaluator(trainer.tasks, trainer.evaluator.loader, trainer.device)
    assert evaluator.run(mtl.load(trained.run).network) == trained.record["best"]["scores"]


def test_network_is_in_evaluation_mode_with_the_names_of_the_classes(trained):
    model = mtl.load(str(trained.run))
    assert not any(module.training for module in model.modules())
    assert model.task_names == tuple(TASKS)
    assert model.class_names["semseg"] == CLASSES


def test_picture_of_the_dataset_is_read_as_in_evaluation(trained, model):
    loader = build.build_trainer(trained.cfg, trained.run.parent / "again").evaluator.loader
    dataset = loader.dataset
    image = torch.from_numpy(dataset.read(1)["image"])
    batch, place = model.prepare(image)
    assert place == (0, 0)
    assert torch.equal(batch[0], dataset[1]["image"])
    with torch.inference_mode():
        raw = model.network(batch).final
    found = model(image)
    assert torch.equal(found["semseg"], raw["semseg"][0].argmax(0).byte())
    assert torch.equal(found["depth"], raw["depth"][0, 0].clamp(min=0))
    assert torch.allclose(found["saliency"], raw["saliency"][0].softmax(0)[1])
    assert torch.allclose(found["edge"], raw["edge"][0, 0].sigmoid())


@pytest.mark.parametrize("size", [(32, 48), (37, 51)])
def test_predictions_have_natural_units(model, size):
    found = model(torch.randint(256, (3, *size), dtype=torch.uint8))
    assert {task: tuple(p.shape) for task, p in found.items()} == {
        task: (3, *size) if task == "normals" else size for task in TASKS
    }
    assert [found[task].dtype for task in TASKS] == [torch.uint8] * 2 + [torch.float32] * 4
    assert found["semseg"].max() < 13
    assert found["human_parts"].max() < 7
    assert found["depth"].min() >= 0
    assert torch.allclose(found["normals"].norm(dim=0), torch.ones(size), atol=1e-5)
    for task in ("saliency", "edge"):
        assert 0 <= found[task].min() <= found[task].max() <= 1


class Echo(nn.Module):
    """Predicts as depth the first colour it is given, and refuses what it cannot tile."""

    task_names = ("depth",)
    backbone = SimpleNamespace(multiple=16)
    device = torch.device("cpu")

    def __init__(self):
        super().__init__()
        self.last_layer = nn.Parameter(torch.ones(1))

    def forward(self, image):
        assert image.shape[-2] % 16 == image.shape[-1] % 16 == 0
        return SimpleNamespace(final={"depth": self.last_layer * image[:, :1] + 1})


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (3, 5)])
def test_padding_is_taken_off_where_it_was_put_on(size):
    image = torch.randint(256, (3, *size), dtype=torch.uint8)
    echo = TrainedModel(Echo(), Normalize([0.0] * 3, [1.0] * 3), {})
    assert torch.allclose(echo(image)["depth"], image[0] / 255 + 1)
    batch, (top, left) = echo.prepare(image)
    assert (top, left) == ((batch.shape[-2] - size[0]) // 2, (batch.shape[-1] - size[1]) // 2)


def test_padding_of_the_datasets_own_transform_is_taken_off_too():
    def pad(sample):
        padded = nn.functional.pad(sample["image"] / 255, (2, 3, 1, 4))
        return {"image": padded, "meta": sample["meta"] | {"padding": (1, 2)}}

    image = torch.randint(256, (3, 20, 30), dtype=torch.uint8)
    assert torch.allclose(TrainedModel(Echo(), pad, {})(image)["depth"], image[0] / 255 + 1)


def test_transform_that_cuts_the_picture_is_refused():
    def cut(sample):
        return sample | {"image": sample["image"][:, :16, :16] / 255}

    with pytest.raises(ValueError, match="image of 20 x 30: the transform of the dataset crops it"):
        TrainedModel(Echo(), cut, {})(torch.zeros(3, 20, 30, dtype=torch.uint8))


def test_picture_that_the_transform_refuses_is_unfit():
    transform = Compose([Normalize([0.0] * 3, [1.0] * 3), Pad(16, 32)])
    with pytest.raises(
        UnfitPictureError, match=r"transform of the dataset rejects it \(image given of 20 x 30 is larger.*; shrink it"
    ):
        TrainedModel(Echo(), transform, {})(torch.zeros(3, 20, 30, dtype=torch.uint8))


@pytest.mark.parametrize(
    "image",
    [torch.zeros(3, 8, 8), torch.zeros(8, 8, 3).byte(), torch.zeros(1, 3, 8, 8).byte(), torch.zeros(3, 0, 8).byte()],
)
def test_what_is_no_picture_is_refused(model, image):
    with pytest.raises(ValueError, match=r"an image is uint8 of shape \[3, H, W\], got"):
        model(image)


def test_last_state_can_be_loaded_instead_of_the_best(trained):
    state = torch.load(trained.run / "last.pt", weights_only=True)["model"]
    loaded = mtl.load(trained.run, checkpoint="last.pt").network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_folder_that_is_no_run_is_refused_with_the_runs_in_it(trained):
    with pytest.raises(ValueError, match=r"not a run folder, it has no config.yaml; its runs are seed0"):
        mtl.load(trained.run.parent)
    with pytest.raises(ValueError, match=r"has no config\.yaml$"):
        mtl.load(ROOT)


def test_checkpoint_that_is_missing_or_of_another_network_is_named(trained, tmp_path):
    shutil.copytree(trained.run, tmp_path / "run")
    with pytest.raises(ValueError, match=r"has no worst.pt; checkpoints: best.pt, last.pt"):
        mtl.load(tmp_path / "run", checkpoint="worst.pt")
    (tmp_path / "run" / "best.pt").unlink()
    with pytest.raises(
        ValueError, match=r"has no best.pt; checkpoints: last.pt; a finished run keeps it with keep=best or"
    ):
        mtl.load(tmp_path / "run")
    torch.save({"model": {"weight": torch.zeros(1)}}, tmp_path / "run" / "best.pt")
    with pytest.raises(ValueError, match=r"best.pt does not fit the network of its config.yaml \(Error"):
        mtl.load(tmp_path / "run")


@pytest.fixture
def predict(run_script, trained, tmp_path):
    """Runs the script on images in `photos`; gives exit code, stdout and stderr."""
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(256, size=(40, 52, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photos" / "kitchen.png"), noise)

    home = [f"run={trained.run}", f"images={tmp_path}/photos", f"out={tmp_path}/out"]
    return lambda *words: run_script("predict", *home, *words)


@pytest.fixture
def blank(monkeypatch):
    """Leaves out the drawing, which takes most of the time of an image."""
    monkeypatch.setattr("mtl.report.render.picture.picture", lambda *_: b"")


def test_script_writes_a_picture_and_an_array_per_task(predict, model, tmp_path):
    cv2.imwrite(str(tmp_path / "photos" / "hall.jpg"), np.zeros((33, 70), np.uint8))  # grey
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    _, printed, _ = predict("device=cpu")
    assert printed.splitlines()[-1] == f"{tmp_path}/out"
    expected = {f"{name}_{task}.{kind}" for name in ("hall", "kitchen") for task in TASKS for kind in ("npy", "png")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    image = cv2.cvtColor(cv2.imread(str(tmp_path / "photos" / "kitchen.png")), cv2.COLOR_BGR2RGB)
    found = model(torch.from_numpy(image).permute(2, 0, 1))
    for task in TASKS:
        assert np.array_equal(np.load(tmp_path / "out" / f"kitchen_{task}.npy"), found[task].numpy())
        assert cv2.imread(str(tmp_path / "out" / f"kitchen_{task}.png")).std() > 10


@pytest.mark.usefixtures("blank")
def test_script_shrinks_large_pictures_when_asked(predict, tmp_path):
    predict("longest=26")
    assert np.load(tmp_path / "out" / "kitchen_depth.npy").shape == (20, 26)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("image=x", "image=x: no such word, only run=..., images=..., out=..."),
        ("image=x", "; did you mean images?"),
        ("longest=big", "longest=big: use a whole number, 0 or above"),
        ("images=/nowhere", "images=/nowhere: no image there"),
        ("run=/nowhere", "/nowhere is not a run folder"),
        ("run=", "run=: write run=VALUE"),
        ("device=cuda:99", "device=cuda:99, but torch sees"),
    ],
)
def test_script_names_what_is_wrong(predict, word, message):
    code, _, line = predict(word)
    assert code == 1
    assert line.startswith("error: ")
    assert message in line


def png(path: Path, height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


def predicted(folder: Path) -> set[str]:
    return {path.name.removesuffix("_depth.npy") for path in folder.glob("*_depth.npy")}


@pytest.mark.usefixtures("blank")
def test_script_reads_pictures_as_a_dataset_does(predict, model, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held upright
    turned = Image.open(tmp_path / "photos" / "kitchen.png")
    turned.save(tmp_path / "photos" / "hall.jpg", exif=exif)
    turned.quantize(9).save(tmp_path / "photos" / "icon.png", transparency=bytes([0, 9, 255]))
    predict()
    for name in ("hall.jpg", "icon.png"):
        image = torch.from_numpy(read_image(tmp_path / "photos" / name))
        assert image.shape[1:] == (40, 52)
        depth = np.load(tmp_path / "out" / f"{name[:4]}_depth.npy")
        assert np.array_equal(depth, model(image)["depth"].numpy())


@pytest.mark.usefixtures("blank")
def test_script_lists_at_the_end_what_it_cannot_predict_and_predicts_the_rest(predict, tmp_path):
    photos = tmp_path / "photos"
    Image.open(photos / "kitchen.png").save(photos / "cut.jpg")
    (photos / "cut.jpg").write_bytes((photos / "cut.jpg").read_bytes()[: (photos / "cut.jpg").stat().st_size * 6 // 10])
    (photos / "._kitchen.png").write_bytes(b"\0\5\x16\7" + bytes(100))  # left by macOS
    (photos / "empty.png").write_bytes(b"")
    (photos / "loop.png").symlink_to(photos / "loop.png")
    (photos / "folder.png").mkdir()
    png(photos / "line.png", 1, 1500)
    png(photos / "yard.png", 20, 30)
    code, out, err = predict("longest=640")
    head, *listed = (line.strip() for line in err.splitlines())
    assert (code, head) == (1, "error: 5 of 7 images were not predicted:")
    assert [line.removeprefix(f"{photos}/").partition(": ")[0] for line in listed] == [
        *("._kitchen.png", "cut.jpg", "empty.png", "line.png", "loop.png")
    ]
    assert "truncated at" in listed[1]
    assert listed[3].endswith("at longest=640 nothing is left of its 1 x 1500 pixels")
    assert listed[4].endswith("is a link to a file that does not exist")
    assert predicted(tmp_path / "out") == {"kitchen", "yard"}
    assert f"failed: {listed[1]}" in out


@pytest.mark.usefixtures("blank")
def test_script_takes_names_that_are_not_utf8(predict, tmp_path):
    name = b"caf\xe9"
    (tmp_path / "photos" / "kitchen.png").rename(tmp_path / "photos" / os.fsdecode(name + b".png"))
    (tmp_path / "photos" / os.fsdecode(b"bad\xff.png")).write_bytes(b"")
    assert "1 of 2 images were not predicted" in predict()[2]
    assert name + b"_depth.npy" in os.listdir(os.fsencode(tmp_path / "out"))


def test_script_ends_with_one_line_where_it_cannot_write(predict, tmp_path):
    (tmp_path / "file").write_text("")
    assert predict(f"out={tmp_path}/file")[2] == f"error: out={tmp_path}/file: File exists; choose a writable folder\n"
    assert f"out={tmp_path}/file/in: Not a directory; choose" in predict(f"out={tmp_path}/file/in")[2]


def test_script_refuses_pictures_it_cannot_tell_apart(predict, tmp_path):
    png(tmp_path / "photos" / "kitchen.bmp", 8, 8)
    assert "several images are called kitchen" in predict()[2]
