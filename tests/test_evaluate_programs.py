"""What SAK, InvPT and the survey code save gets the scores that the networks' outputs get.

Written as those programs write: bytes are cut off, not rounded, and classes are drawn in the colours of PASCAL VOC.
"""

import json

import archives
import numpy as np
import pytest
import scipy.io
import torch
from PIL import Image

from mtl import build
from mtl.cli.prepare import open_split

NYUD = ["dataset=nyud", "dataset.train.images=3", "dataset.val.images=2"]
PASCAL = ["dataset=pascal_context", "dataset.train.images=3", "dataset.val.images=2"]
VOC = [  # of the development kit, as far as these tests draw
    *((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)),
    *((128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0), (64, 0, 128), (192, 0, 128)),
]


def outputs(task, size, rng):
    """Raw outputs of a network. Shape [C, H, W]."""
    if task in ("semseg", "human_parts"):
        scores = rng.normal(size=({"semseg": 13, "human_parts": 7}[task], *size))
        return scores.astype(np.float32)
    if task == "depth":
        return rng.uniform(0.5, 9, (1, *size)).astype(np.float32)
    if task == "normals":
        return archives.unit_vectors(rng, size).transpose(2, 0, 1)
    levels = (rng.integers(0, 255, size) + 0.5) / 255  # no probability is on the border of a byte
    logits = np.log(levels / (1 - levels)).astype(np.float32)
    return logits[None] if task == "edge" else np.stack([np.zeros_like(logits), logits])


def as_bytes(task, output):
    """What those programs put into an 8-bit image. Shape [H, W] or [H, W, 3]."""
    if task == "normals":
        return ((output.transpose(1, 2, 0) + 1) * 255 / 2).astype(np.uint8)
    if task in ("semseg", "human_parts"):
        return output.argmax(axis=0).astype(np.uint8)
    return (255 / (1 + np.exp(-output[-1].astype(np.float64)))).astype(np.uint8)


def sak(folder, task, id, output, first):
    name = {"edge": "edge/img", "saliency": "sal"}.get(task, task)
    (folder / name).mkdir(parents=True, exist_ok=True)
    if task == "depth":
        np.save(folder / name / id, output[0])
        return
    pixels = as_bytes(task, output)
    if task in ("semseg", "human_parts"):
        pixels = np.array(VOC, np.uint8)[pixels + (first if task == "semseg" else 0)]
    Image.fromarray(pixels).save(folder / name / f"{id}.png")
    if task == "edge":  # its suppressed maps, which are not scored
        (folder / "edge/nms").mkdir(exist_ok=True)
        Image.fromarray(np.zeros_like(pixels)).save(folder / f"edge/nms/{id}.png")


def survey(folder, task, id, output, first):
    name = {"saliency": "sal"}.get(task, task)
    (folder / name).mkdir(parents=True, exist_ok=True)
    if task == "depth":
        scipy.io.savemat(folder / name / f"{id}.mat", {"depth": output[0]})
    else:
        Image.fromarray(as_bytes(task, output)).save(folder / name / f"{id}.png")
    (folder / f"NYUD_test_{name}.json").write_text("{}")


def invpt(folder, task, id, output, first):
    """Its script for single images draws maps in three equal channels and an opaque fourth."""
    name = {"saliency": "sal"}.get(task, task)
    if task == "depth":
        survey(folder, task, id, output, first)
        return
    (folder / name).mkdir(parents=True, exist_ok=True)
    pixels = as_bytes(task, output)
    if task in ("semseg", "human_parts"):
        pixels = np.array(VOC, np.uint8)[pixels + (first if task == "semseg" else 0)]
    elif pixels.ndim == 2:
        pixels = pixels[..., None].repeat(3, axis=2)
    opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    Image.fromarray(np.concatenate([pixels, opaque], axis=2)).save(folder / name / f"{id}.png")


@pytest.mark.parametrize("program", [sak, survey, invpt], ids=lambda program: program.__name__)
@pytest.mark.parametrize("words", [NYUD, PASCAL], ids=["nyud", "pascal_context"])
def test_folders_of_other_programs_are_read_as_they_are(evaluate, tmp_path, words, program):
    (archives.nyud if words == NYUD else archives.pascal_context)(tmp_path / "data")
    cfg = build.compose([*words, f"data={tmp_path}/data"])
    tasks, rng = build.build_tasks(cfg), np.random.default_rng(3)
    for sample in open_split(cfg, "val", [task.name for task in tasks]):
        for task in tasks:
            output = outputs(task.name, sample["meta"]["size"], rng)
            program(tmp_path / "mine", task.name, sample["meta"]["id"], output, first=int(words == NYUD))
            if task.name in ("semseg", "human_parts"):
                missing = np.full((task.channels - len(output), *output.shape[1:]), -9, np.float32)
                output = np.concatenate([output, missing])
            truth = sample[task.truth or task.name].as_subclass(torch.Tensor)
            task.metric.update(torch.from_numpy(output)[None], truth[None])
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *words)
    assert code == 0, err
    found = json.loads((tmp_path / "mine/scores.json").read_text())["tasks"]
    assert list(found) == [task.name for task in tasks]
    for task in tasks:
        values, key, scores = task.metric.compute(), task.metric.primary, found[task.name]["scores"]
        tolerance = {"mean_angular_error": 0.02, "max_f": 0.3}.get(key, 1e-4)
        assert scores[key] == pytest.approx(values[key], abs=tolerance), task.name
        assert scores == pytest.approx(values, rel=0.1)  # a pixel at a threshold moves a share by 0.1 %


def test_a_task_that_cannot_be_scored_does_not_stop_the_others(evaluate, tmp_path):
    written = archives.nyud(tmp_path / "data")
    for id in archives.VAL:
        archives.save(tmp_path / f"mine/depth/{id}.npy", written[id]["depth"])
        archives.save(tmp_path / f"mine/edge/{id}.jpg", np.zeros((17, 22), np.uint8))
        archives.save(tmp_path / f"mine/normals/{id}.npy", written[id]["normals"])
    (tmp_path / "mine/semseg").mkdir()
    (tmp_path / "mine/normals/0002.npy").write_bytes(b"")
    code, out, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    assert code == 1
    assert err.count("error: ") == 1
    for line in (
        f"2 of 2 predictions of semseg are missing, such as that of image 0001 in {tmp_path}/mine/semseg; "
        "the folder holds nothing else, and supported are .png .npy .npz .mat",
        f"in {tmp_path}/mine/edge; the folder holds 2 files such as 0001.jpg, and supported are",
        f"{tmp_path}/mine/normals/0002.npy: cannot be read, probably truncated at 0 bytes",
        "(not scored: semseg, normals, edge; scored: depth)",
    ):
        assert line in err or line.replace("semseg, normals, edge", "semseg, edge, normals") in err
    result = json.loads((tmp_path / "mine/scores.json").read_text())
    assert result["tasks"]["depth"]["scores"]["rmse"] == 0
    assert set(result["not_scored"]) == {"semseg", "normals", "edge"}
    assert "rmse" in out


def test_nothing_to_score_leaves_no_scores(evaluate, tmp_path):
    archives.nyud(tmp_path / "data")
    (tmp_path / "mine/semseg").mkdir(parents=True)
    code, _, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    assert code == 1
    assert "(not scored: semseg)" in err
    assert not (tmp_path / "mine/scores.json").exists()


def test_extensions_in_capitals_and_archives_of_arrays_are_read(evaluate, tmp_path):
    written = archives.nyud(tmp_path / "data")
    (tmp_path / "mine/depth").mkdir(parents=True)
    for id in archives.VAL:
        np.savez(tmp_path / f"mine/depth/{id}.npz", depth=written[id]["depth"])
        archives.save(tmp_path / f"mine/edge/{id}.png", np.zeros((17, 22), np.uint8))
        (tmp_path / f"mine/edge/{id}.png").rename(tmp_path / f"mine/edge/{id}.PNG")
    (tmp_path / "mine/edge/._0001.png").write_bytes(b"of another system")
    code, out, err = evaluate(f"predictions={tmp_path}/mine", *NYUD)
    assert code == 0, err
    assert "not scored" not in out


def test_the_unit_of_depth_counts_for_real_numbers_too(evaluate, tmp_path):
    written = archives.nyud(tmp_path / "data")
    for id in archives.VAL:
        archives.save(tmp_path / f"mine/depth/{id}.npy", 1000 * written[id]["depth"].astype(np.float64))
    assert "so the unit is not metres" in evaluate(f"predictions={tmp_path}/mine", *NYUD)[2]
    assert evaluate(f"predictions={tmp_path}/mine", *NYUD, "depth_unit=0.001")[0] == 0
    result = json.loads((tmp_path / "mine/scores.json").read_text())
    assert result["tasks"]["depth"]["scores"]["rmse"] == pytest.approx(0, abs=1e-6)
