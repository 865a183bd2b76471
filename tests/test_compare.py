"""Predictions of an experiment's runs next to the truth."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import tiny

ROOT = Path(__file__).parent.parent


def test_truth_single_task_networks_and_methods_have_a_row_each(run_script, tmp_path):
    words = tiny(tmp_path, "subset=[depth,edge]", "logger=csv")
    code, _, error = run_script("compare", *words)
    assert (code, error) == (1, "error: no run of demo_rooms-" + error.partition("demo_rooms-")[2])
    assert error.endswith(" with seed 0 has a best.pt: train it with keep=best\n")
    for own in ("subset=depth", "weighter=uniform"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["train.py", *words, own])
            runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
    out = tmp_path / "a.png"
    assert run_script("compare", *words, f"out={out}") == (0, f"{out}\n", "")
    with Image.open(out) as sheet:
        pixels = np.asarray(sheet.convert("L")).astype(int)
    height, width = (side // 12 for side in pixels.shape)  # the middle of each cell is looked at
    cells = [[pixels[y * height :][: 2 * height, x * width :][:, : 2 * width] for x in (1, 5, 9)] for y in (1, 5, 9)]
    spread = np.array(
        [[cell.std() for cell in row] for row in cells]
    )  # truth, Single-task, Uniform; image, depth, edge
    assert (spread[[0, 0, 0, 1, 2, 2], [0, 1, 2, 1, 1, 2]] > 0).all()
    assert spread[1, 2] == 0  # there is no single-task network of edge
    code, _, error = run_script("compare", *words, "image=99")
    assert (code, error) == (1, "error: image=99: the val split has 2 images, the first is 0\n")
