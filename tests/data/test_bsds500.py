"""BSDS500: boundaries of all annotators, by hand, and scores of the Berkeley benchmark."""

import json
import os
import shutil
from pathlib import Path

import archives
import numpy as np
import pytest
import scipy.io
from PIL import Image

from mtl.data import BSDS500
from mtl.data.disk import DamagedFileError

BENCH = Path(os.environ.get("MTL_TEST_DATA", "")) / "bsds_bench"
FEWER = ["dataset=bsds500", "dataset.train.images=2", "dataset.val.images=1", "dataset.test.images=2"]


def load(root, split="test", **changes):
    arguments = {"tasks": ["edge"], "images": None, "on_error": "raise"} | changes
    return BSDS500(root=root / "bsds500", split=split, **arguments)


def test_every_annotator_has_a_channel(tmp_path):
    written = archives.bsds500(tmp_path)
    dataset = load(tmp_path)
    assert dataset.ids == ["000004", "000005"]
    for sample in dataset:
        boundaries = written[sample["meta"]["id"]]["boundaries"]
        assert np.array_equal(sample["boundary"], boundaries)
        assert np.array_equal(sample["edge"][0], boundaries.any(axis=0))
    assert "boundary" not in load(tmp_path, "train")[0]
    assert BSDS500.tally(dataset.root) == "2 train, 1 val, 2 test images"


def drawn(boundary):
    """The annotation of one person."""
    people = np.empty((1, 1), object)
    people[0, 0] = archives.struct(Boundaries=boundary)
    return people


BAD = {
    "variable": ({"truth": np.ones((24, 32))}, "has no variable groundTruth, only truth"),
    "no_people": ({"groundTruth": np.ones((24, 32))}, "holds no boundaries of annotators"),
    "other_size": (
        {"groundTruth": drawn(np.ones((9, 9)))},
        "is 9 x 9, but its image is 24 x 32",
    ),
    "soft": (
        {"groundTruth": drawn(np.full((24, 32), 0.5))},
        "boundaries must be maps of 0 and 1, but it holds float64",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_annotations_are_named(tmp_path, case):
    content, message = BAD[case]
    archives.bsds500(tmp_path)
    path = tmp_path / "BSR/BSDS500/data/groundTruth/test/000005.mat"
    scipy.io.savemat(path, content)
    with pytest.raises(DamagedFileError, match=rf"{path}: {message}"):
        load(tmp_path)


def test_saved_edges_get_ods_ois_and_ap(evaluate, tmp_path):
    written = archives.bsds500(tmp_path / "data")
    for id in ("000004", "000005"):
        archives.save(tmp_path / f"mine/edge/{id}.png", written[id]["boundaries"][0] * np.uint8(255))
    code, out, err = evaluate(f"predictions={tmp_path}/mine", *FEWER, "split=test", "protocol.nms=0", *PLAIN)
    assert code == 0, err
    result = json.loads((tmp_path / "mine/scores.json").read_text())["tasks"]["edge"]
    assert set(result["scores"]) == {"ods_f", "ois_f", "ap"}
    assert (result["preset"], result["images"]) == ("bsds", 2)
    assert result["scores"]["ods_f"] == pytest.approx(result["scores"]["ois_f"])
    # one of three annotators is met exactly; the others are within no tolerance of it but where lines cross
    assert 45 < result["scores"]["ods_f"] < 65
    assert "ois_f" in out


PLAIN = ["protocol.taper=0", "protocol.smooth=false", "protocol.quantise=false"]


@pytest.mark.data
@pytest.mark.skipif(not BENCH.is_dir(), reason="MTL_TEST_DATA names no folder that holds bsds_bench")
def test_scores_of_five_images_are_those_of_the_berkeley_benchmark(evaluate, tmp_path):
    root = tmp_path / "data/BSDS500/data"
    shutil.copytree(BENCH / "groundTruth", root / "groundTruth/test")
    shutil.copytree(BENCH / "png", tmp_path / "mine/edge")
    for path in (BENCH / "png").iterdir():
        image = Image.open(path).convert("RGB")  # any photograph will do: scores do not use it
        (root / "images/test").mkdir(parents=True, exist_ok=True)
        image.save(root / f"images/test/{path.stem}.jpg")
    words = [
        "dataset=bsds500",
        "dataset.test.images=5",
        "split=test",
        "protocol.nms=0",
        "protocol.thresholds=5",
        *PLAIN,
    ]
    assert evaluate(f"predictions={tmp_path}/mine", *words)[0] == 0
    scores = json.loads((tmp_path / "mine/scores.json").read_text())["tasks"]["edge"]["scores"]
    *_, ods, _, _, ois, ap = map(float, (BENCH / "test_2/eval_bdry.txt").read_text().split())
    assert scores["ods_f"] == pytest.approx(100 * ods, abs=0.02)
    assert scores["ois_f"] == pytest.approx(100 * ois, abs=0.02)
    assert scores["ap"] == pytest.approx(100 * ap, abs=0.1)  # the byte 85 is a third, just below the grid of MATLAB
