"""A preset holds from the file to the number: what a loader decides, neither loss nor metric takes back."""

import json

import archives
import numpy as np
import pytest
import torch
from PIL import Image

from mtl import build
from mtl.cli.prepare import open_split
from mtl.data.pascal_labels import WITH_NORMALS
from mtl.data.predictions import Predictions
from mtl.metrics import MaxF
from mtl.tasks import find

NYUD = ["dataset=nyud", "dataset.train.images=3", "dataset.val.images=2"]
PASCAL = ["dataset=pascal_context", "dataset.train.images=3", "dataset.val.images=2"]


def grey_tree(folder, words):
    """An archive whose normals in 8 bits are nearly grey in a third; gives bytes and valid classes by id."""
    if words == NYUD:
        written, place = archives.nyud(folder, "B"), folder / "NYUDv2/normals"
        classes = {id: np.ones(written[id]["depth"].shape, bool) for id in archives.VAL}
    else:
        written, place = archives.pascal_context(folder), folder / "PASCAL_MT/normals_distill"
        classes = {id: WITH_NORMALS[written[id]["context"]] for id in archives.PASCAL_VAL}
    stored = {}
    for id in classes:
        stored[id] = archives.as_bytes(written[id]["normals"])
        rng = np.random.default_rng(len(stored))
        stored[id][:, :7] = rng.integers(124, 132, (len(stored[id]), 7, 3))
        Image.fromarray(stored[id]).save(place / f"{id}.png")
    return stored, classes


def mean_angle(predictions, stored, valid):
    """Mean angle in degrees by the arc cosine, as a formula that shares nothing with the metric."""
    angles = []
    for id, truth in stored.items():
        g = 2 * truth.astype(np.float64) / 255 - 1
        p = predictions[id].astype(np.float64)
        cosine = (p * g).sum(axis=2) / np.linalg.norm(p, axis=2) / np.linalg.norm(g, axis=2)
        angles.append(np.degrees(np.arccos(cosine.clip(-1, 1)))[valid[id]])
    return np.concatenate(angles).mean()


@pytest.mark.parametrize("preset", ["strict", "invpt"])
@pytest.mark.parametrize("words", [NYUD, PASCAL], ids=["nyud", "pascal_context"])
def test_choice_of_byte_normals_reaches_metric_loss_and_scores(evaluate, tmp_path, words, preset):
    stored, classes = grey_tree(tmp_path / "data", words)
    long = {id: np.linalg.norm(truth / 127.5 - 1, axis=2) >= 0.1 for id, truth in stored.items()}
    valid = {id: mask & (long[id] if preset == "strict" else True) for id, mask in classes.items()}
    rng = np.random.default_rng(5)
    drawn = {id: archives.unit_vectors(rng, truth.shape[:2]) for id, truth in stored.items()}
    for id, vectors in drawn.items():
        archives.save(tmp_path / f"mine/normals/{id}.npy", vectors)
    code, out, _ = evaluate(f"predictions={tmp_path}/mine", *words, f"dataset.png_normals={preset}")
    assert code == 0
    result = json.loads((tmp_path / "mine/scores.json").read_text())["tasks"]["normals"]
    expected = mean_angle(drawn, stored, valid)
    assert result["scores"]["mean_angular_error"] == pytest.approx(expected, abs=1e-4)
    assert abs(expected - mean_angle(drawn, stored, classes)) > (0.5 if preset == "strict" else -1)
    assert result["preset"] == preset
    assert preset in out

    cfg = build.compose([*words, f"dataset.png_normals={preset}", f"data={tmp_path}/data", "subset=normals"])
    (task,) = build.build_tasks(cfg)
    for sample in open_split(cfg, "val", ["normals"]):
        truth = sample["normals"].as_subclass(torch.Tensor)[None]
        assert task.loss(torch.ones_like(truth), truth)[1] == valid[sample["meta"]["id"]].sum()


def test_unknown_choice_of_byte_normals_is_refused_by_every_dataset():
    for words in (NYUD, PASCAL):
        with pytest.raises(ValueError, match=r"dataset.png_normals=loose: use strict or invpt"):
            build.compose([*words, "dataset.png_normals=loose"])


@pytest.mark.parametrize(("preset", "reached"), [("plain", True), ("survey", False)])
def test_saved_byte_at_a_threshold_counts_as_the_preset_says(tmp_path, preset, reached):
    byte = 102  # 0.4
    archives.save(tmp_path / "saliency/x.png", np.array([[byte, byte + 1], [byte - 1, 0]], np.uint8))
    prediction = Predictions(tmp_path, find("saliency"), 2).read("x", (2, 2))[None]
    metric = MaxF(preset=preset)
    metric.update(prediction, torch.tensor([[[[1, 0], [0, 0]]]], dtype=torch.uint8))
    threshold = {"plain": 7, "survey": 4}[preset]  # place of 0.40
    assert bool(metric.bins[1, threshold + 1 :].sum()) is reached
    assert metric.bins[0, threshold + 1 :].sum() == 1  # the byte above passes, the byte below does not
