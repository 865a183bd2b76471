"""Saved predictions get the scores that the same predictions get in a run; what is missing or wrong is named."""

import json
from pathlib import Path

import archives
import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image
from tiny import SIZE

from mtl import build
from mtl.cli.prepare import open_split
from mtl.data.predictions import Predictions
from mtl.metrics import MaxF, MeanIoU
from mtl.tasks import find

ROOMS = [word for word in SIZE if word.startswith("dataset.")]
NYUD = ["dataset=nyud", "dataset.train.images=3", "dataset.val.images=2"]
PASCAL = ["dataset=pascal_context", "dataset.train.images=3", "dataset.val.images=2"]


def scores(folder: Path) -> dict[str, dict[str, float]]:
    return {task: about["scores"] for task, about in json.loads((folder / "scores.json").read_text())["tasks"].items()}


def draw(task: str, channels: int, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A prediction as a program would hold it: scores, metres, vectors or probabilities."""
    if task in ("semseg", "human_parts"):
        return rng.normal(size=(channels, *size)).astype(np.float32)
    if task == "depth":
        return rng.uniform(0.5, 9, size).astype(np.float32)
    if task == "normals":
        return archives.unit_vectors(rng, size)
    return (rng.integers(0, 256, size) / 255).astype(np.float32)


def as_metric(task: str, drawn: np.ndarray) -> torch.Tensor:
    """The prediction as a network would give it. Shape [1, C, H, W]."""
    drawn = torch.tensor(drawn)
    if task in ("semseg", "human_parts"):
        return drawn[None]
    if task == "normals":
        return drawn.movedim(2, 0)[None]
    if task == "depth":
        return drawn[None, None]
    logits = torch.logit((drawn.double() * 255 + 0.1) / 255.2)
    return torch.stack([torch.zeros_like(logits), logits])[None] if task == "saliency" else logits[None, None]


def save(folder: Path, task: str, id: str, drawn: np.ndarray, kind: str) -> None:
    path = folder / task / f"{id}.{kind}"
    if kind == "npy":
        archives.save(path, drawn)
    elif task in ("semseg", "human_parts"):
        archives.save(path, drawn.argmax(axis=0).astype(np.uint8))
    elif task == "normals":
        archives.save(path, archives.as_bytes(drawn))
    elif task == "depth":
        archives.save(path, np.round(drawn * 1000).astype(np.uint16))
    else:
        archives.save(path, np.round(drawn * 255).astype(np.uint8))


@pytest.mark.parametrize("kind", ["npy", "png"])
@pytest.mark.parametrize("words", [NYUD, PASCAL], ids=["nyud", "pascal_context"])
def test_saved_predictions_get_the_scores_of_a_run(evaluate, tmp_path, words, kind):
    (archives.nyud if words == NYUD else archives.pascal_context)(tmp_path / "data")
    cfg = build.compose([*words, f"data={tmp_path}/data"])
    tasks, rng = build.build_tasks(cfg), np.random.default_rng(3)
    for sample in open_split(cfg, "val", [task.name for task in tasks]):
        for task in tasks:
            drawn = draw(task.name, task.channels, sample["meta"]["size"], rng)
            save(tmp_path / "mine", task.name, sample["meta"]["id"], drawn, kind)
            task.metric.update(
                as_metric(task.name, drawn), sample[task.truth or task.name].as_subclass(torch.Tensor)[None]
            )
    unit = ["depth_unit=0.001"] if kind == "png" else []
    code, out, err = evaluate(f"predictions={tmp_path}/mine", *words, *unit)
    assert code == 0, err
    found = scores(tmp_path / "mine")
    tolerance = {"mean_angular_error": 0.2, "rmse": 1e-3} if kind == "png" else {}
    for task in tasks:
        values, key = task.metric.compute(), task.metric.primary
        assert found[task.name][key] == pytest.approx(values[key], abs=tolerance.get(key, 1e-5)), (task.name, key)
        assert found[task.name] == pytest.approx(values, rel=0.1)  # a pixel at a threshold moves a share by 0.1 %
    assert list(found) == [task.name for task in tasks]
    assert f"{tmp_path}/mine/scores.json" in out
    assert "ods_f" in out
    assert "seism" in out


def test_perfect_predictions_get_perfect_scores_with_workers(evaluate, tmp_path):
    words = [*ROOMS, "dataset=rooms", "subset=[semseg,depth,normals,saliency]"]
    cfg = build.compose([*words, f"data={tmp_path}/data"])
    for sample in open_split(cfg, "val", build.subset(cfg)):
        id = sample["meta"]["id"]
        archives.save(tmp_path / f"mine/semseg/{id}.png", sample["semseg"][0].numpy())
        archives.save(tmp_path / f"mine/depth/{id}.npy", sample["depth"][0].numpy())
        archives.save(tmp_path / f"mine/normals/{id}.npy", sample["normals"].numpy())
        archives.save(tmp_path / f"mine/sal/{id}.png", sample["saliency"][0].numpy() * np.uint8(255))
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *words, "workers=1", f"output={tmp_path}/else.json")
    assert code == 0, err
    result = json.loads((tmp_path / "else.json").read_text())
    assert result["tasks"]["depth"]["scores"]["rmse"] == pytest.approx(0, abs=1e-6)
    assert result["tasks"]["normals"]["scores"]["mean_angular_error"] == pytest.approx(0, abs=1e-3)
    assert result["tasks"]["saliency"]["scores"]["max_f"] == pytest.approx(100)
    assert result["tasks"]["semseg"]["images"] == len(list((tmp_path / "mine/semseg").iterdir()))
    assert result["split"] == "val"
    assert not (tmp_path / "mine/scores.json").exists()


def test_only_tasks_with_a_folder_are_scored(evaluate, tmp_path):
    written = archives.nyud(tmp_path / "data")
    for id in archives.VAL:
        archives.save(tmp_path / f"mine/depth/{id}.npy", written[id]["depth"])
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    assert code == 0, err
    (found,) = scores(tmp_path / "mine").items()
    assert (found[0], found[1]["rmse"]) == ("depth", 0)


def test_images_without_persons_need_no_prediction(evaluate, tmp_path):
    archives.pascal_context(tmp_path / "data")
    person, other = archives.PASCAL_VAL
    archives.save(tmp_path / f"mine/human_parts/{person}.png", np.zeros((16, 20), np.uint8))
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *PASCAL)
    assert code == 0, err
    (tmp_path / f"mine/human_parts/{person}.png").rename(tmp_path / f"mine/human_parts/{other}.png")
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *PASCAL)
    assert code == 1
    assert (
        f"1 of 2 predictions of human_parts are missing, such as that of image {person} in {tmp_path}/mine/human_parts"
        in err
    )


def test_images_off_the_list_of_the_protocol_need_no_prediction(evaluate, tmp_path):
    archives.pascal_context(tmp_path / "data")
    archives.save(tmp_path / f"mine/edge/{archives.PASCAL_VAL[1]}.png", np.zeros((16, 20), np.uint8))
    (tmp_path / "test_new.txt").write_text(archives.PASCAL_VAL[1])
    words = [f"predictions={tmp_path}/mine", *PASCAL, f"protocol.image_list={tmp_path}/test_new.txt"]
    code, out, err = evaluate(*words)
    assert code == 0, err
    assert "seism/test_new" in out
    assert json.loads((tmp_path / "mine/scores.json").read_text())["tasks"]["edge"]["images"] == 1
    code, _, err = evaluate(*words[:-1])
    assert "1 of 2 predictions of edge are missing" in err


def test_files_of_our_own_predict_script_are_read(evaluate, tmp_path):
    written = archives.nyud(tmp_path / "data")
    for id in archives.VAL:
        archives.save(tmp_path / f"mine/{id}_depth.npy", written[id]["depth"])
        archives.save(tmp_path / f"mine/{id}_depth.png", np.zeros((9, 9, 3), np.uint8))  # to look at
        archives.save(tmp_path / f"mine/{id}_normals.npy", written[id]["normals"].transpose(2, 0, 1))
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    assert code == 0, err
    assert scores(tmp_path / "mine")["depth"]["rmse"] == 0
    assert scores(tmp_path / "mine")["normals"]["mean_angular_error"] == pytest.approx(0, abs=1e-3)


def test_mat_files_of_depth_are_read(evaluate, tmp_path):
    written = archives.nyud(tmp_path / "data")
    (tmp_path / "mine/depth").mkdir(parents=True)
    for id in archives.VAL:
        scipy.io.savemat(tmp_path / f"mine/depth/{id}.mat", {"depth": written[id]["depth"]})
    assert evaluate(f"predictions={tmp_path}/mine", *NYUD)[0] == 0
    assert scores(tmp_path / "mine")["depth"]["rmse"] == 0


def fill(folder: Path, **change: np.ndarray) -> None:
    """Good predictions of NYUD-v2, but for the first image of the tasks to change."""
    size = (17, 22)
    good = {"semseg": np.zeros(size, np.uint8), "depth": np.ones(size, np.float32), "edge": np.zeros(size, np.uint8)}
    good["normals"] = np.full((*size, 3), -1, np.float32)
    for task, array in good.items():
        for id in archives.VAL:
            stored = change.get(task, array) if id == "0001" else array
            archives.save(folder / f"{task}/{id}.{'png' if stored.dtype.kind == 'u' else 'npy'}", stored)


WRONG = {
    "other_size": (
        {"edge": np.zeros((32, 48), np.uint8)},
        "edge/0001.png: is 32 x 48, but the image is 17 x 22: remove the padding",
    ),
    "class_40": ({"semseg": np.full((17, 22), 40, np.uint8)}, "semseg/0001.png: label 40 at row 0, column 0, but"),
    "scores_of_fewer_classes": ({"semseg": np.ones((13, 17, 22), np.float32)}, "or scores of 40 classes"),
    "fractions_for_classes": ({"semseg": np.full((17, 22), 0.5)}, "not classes from 0 to 39"),
    "negative_class": ({"semseg": np.full((17, 22), -1)}, "not classes from 0 to 39"),
    "whole_numbers_for_metres": (
        {"depth": np.ones((17, 22), np.uint16)},
        "give their unit, such as depth_unit",
    ),
    "nan": ({"depth": np.full((17, 22), np.nan)}, "374 of its 374 values are NaN"),
    "colours_for_depth": ({"depth": np.ones((17, 22, 3))}, "not a map of metres"),
    "grey_for_normals": ({"normals": np.zeros((17, 22), np.uint8)}, "not vectors of three numbers"),
    "logits_for_probability": (
        {"edge": np.full((17, 22), -3.5)},
        "holds float64 of shape (17, 22), from -3.5 to -3.5, not",
    ),
    "two_bytes_for_probability": ({"edge": np.zeros((17, 22), np.uint16)}, "not bytes, or probabilities from 0 to 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_prediction_is_named(evaluate, tmp_path, case):
    change, message = WRONG[case]
    archives.nyud(tmp_path / "data")
    fill(tmp_path / "mine", **change)
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    (line,) = [line for line in err.splitlines() if "error: " in line]
    assert code == 1
    assert message in line
    (task,) = change
    others = [name for name in ("semseg", "depth", "normals", "edge") if name != task]
    assert line.endswith(f"(not scored: {task}; scored: {', '.join(others)})")
    assert list(scores(tmp_path / "mine")) == others
    assert message in json.loads((tmp_path / "mine/scores.json").read_text())["not_scored"][task]


def test_missing_and_extra_files_are_named(evaluate, tmp_path):
    archives.nyud(tmp_path / "data")
    fill(tmp_path / "mine")
    archives.save(tmp_path / "mine/semseg/9999.png", np.zeros((17, 22), np.uint8))
    (tmp_path / "mine/depth/0002.npy").unlink()
    code, out, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    assert code == 1
    assert (
        f"not scored: 1 files of semseg belong to no image of the split, such as {tmp_path}/mine/semseg/9999.png" in out
    )
    assert f"1 of 2 predictions of depth are missing, such as that of image 0002 in {tmp_path}/mine/depth" in err
    (tmp_path / "mine/depth/0001.npy").unlink()
    assert "2 of 2 predictions of depth are missing" in evaluate(f"predictions={tmp_path}/mine", *NYUD)[2]


def test_two_files_of_an_image_are_refused(evaluate, tmp_path):
    archives.nyud(tmp_path / "data")
    fill(tmp_path / "mine")
    archives.save(tmp_path / "mine/semseg/0001.npy", np.zeros((17, 22)))
    line = evaluate(f"predictions={tmp_path}/mine", *NYUD)[2]
    assert "semseg/0001.png and 0001.npy both belong to image 0001" in line


REFUSED = [
    (["dataset=nyud"], "predictions=... missing: --help explains the words"),
    (["predictions=/nowhere", "dataset=nyud"], "predictions=/nowhere: has none of the folders semseg, depth"),
    (["predictions=/nowhere", "dataset=nyud", "subset=depth"], "/nowhere/depth: no such folder"),
    (["predictions=MINE", "dataset=nyud", "depth_unit=mm"], "depth_unit=mm: use metres per unit, such as 0.001"),
    (["predictions=MINE", "dataset=nyud", "split=test"], "split=test: nyud has train, val"),
    (["predictions=MINE", "dataset=nyud"], "no NYUD-v2 in"),
    (["predictions=MINE", "dataset=nyu"], "did you mean nyud?"),
    (["predictions=MINE", "dataset=nyud", "protocol=hed"], "protocol=hed: there is no such protocol"),
]


@pytest.mark.parametrize(("words", "line"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_input_gives_one_line(evaluate, tmp_path, words, line):
    (tmp_path / "mine/depth").mkdir(parents=True)
    code, _, err = evaluate(*[word.replace("MINE", f"{tmp_path}/mine") for word in words])
    assert code == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert line in err


def test_bytes_reach_the_thresholds_that_they_reach_exactly(tmp_path):
    for level in range(256):
        Image.fromarray(np.full((1, 1), level, np.uint8)).save(tmp_path / f"{level}.png")
    (tmp_path / "saliency").mkdir()
    for path in tmp_path.glob("*.png"):
        path.rename(tmp_path / "saliency" / path.name)
    saved = Predictions(tmp_path, find("saliency"), 2)
    for level in range(256):
        metric = MaxF()
        metric.update(saved.read(str(level), (1, 1))[None], torch.ones(1, 1, 1, 1, dtype=torch.uint8))
        assert metric.bins[1].argmax() == sum(20 * level >= 255 * step for step in range(1, 20))


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)], ids=["KHW", "HWK"])
def test_scores_of_classes_come_in_either_order(tmp_path, axes):
    scores = np.random.default_rng(0).normal(size=(7, 4, 5)).astype(np.float32)
    archives.save(tmp_path / "human_parts/a.npy", scores.transpose(axes))
    metric = MeanIoU(7)
    prediction = Predictions(tmp_path, find("human_parts"), 7).read("a", (4, 5))[None]
    metric.update(prediction, torch.tensor(scores.argmax(0))[None, None])
    assert metric.compute()["miou"] > 80
