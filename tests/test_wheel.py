"""The wheel: what is in it, and a run, an evaluation and a prediction with nothing else, in another folder."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder
from PIL import Image
from tiny import SIZE

import mtl
from mtl import build, places
from mtl.cli.prepare import open_split
from mtl.run import code

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def files() -> set[str]:
    """Paths in the wheel."""
    return {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}


def test_wheel_has_the_package_its_configs_and_the_numbers_of_the_paper_alone(files):
    assert {file.partition("/")[0] for file in files} == {"mtl"}
    for place in ("configs", "results/paper"):
        ours = {f"mtl/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / place).rglob("*") if path.is_file()}
        assert ours == {file for file in files if file.startswith(f"mtl/{place}/")}
    assert {"mtl/py.typed", "mtl/report/web/page.html", "mtl/report/web/style.css"} <= files
    assert not [file for file in files if "test" in Path(file).name]


def test_wheel_has_the_version_that_the_package_states():
    assert WheelBuilder(str(ROOT)).metadata.version == mtl.__version__


@pytest.mark.parametrize(
    ("installed", "program", "expected"),
    [
        (False, "train.py", "python train.py x=1"),
        (False, "/home/me/.venv/bin/mtl-train", "mtl-train x=1"),
        (True, "run.py", "mtl-train x=1"),
    ],
)
def test_commands_are_named_as_the_user_calls_them(monkeypatch, installed, program, expected):
    monkeypatch.setattr(places, "INSTALLED", installed)
    monkeypatch.setattr(sys, "argv", [program])
    assert places.as_called("python train.py x=1") == expected
    assert places.as_called("python scripts/report.py") == "python scripts/report.py"


def test_extra_is_installed_from_the_checkout_or_by_name(monkeypatch):
    assert places.install("wandb") == "pip install -e '.[wandb]'"
    monkeypatch.setattr(places, "INSTALLED", True)
    assert places.install("wandb") == "pip install 'mtl-balance[wandb]'"


def test_installed_package_has_no_commit_even_inside_a_repository(monkeypatch, tmp_path):
    (tmp_path / "mtl/configs").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "mtl/task.py").write_text("one\n")
    assert (code.commit(tmp_path), code.changes(tmp_path)) == (None, b"")
    assert len(code.fingerprint(tmp_path)) == 12


@pytest.mark.slow
def test_wheel_trains_evaluates_and_predicts_in_any_folder(tmp_path):
    def call(*command: str) -> str:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["OMP_NUM_THREADS"] = "1"
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "empty", with_pip=True)
    binaries = tmp_path / "empty" / "bin"
    call(f"{binaries}/pip", "install", "--quiet", "--no-deps", str(wheel))
    # The packages of this environment, without its editable checkout: a folder of links is quicker than downloads.
    (packages,) = (tmp_path / "empty").glob("lib/python3*/site-packages")
    for path in Path(pytest.__file__).parents[1].iterdir():
        if "mtl" not in path.name and path.suffix != ".pth" and not (packages / path.name).exists():
            (packages / path.name).symlink_to(path)
    words = [word for word in SIZE if not word.startswith("recipe.steps")]
    call(f"{binaries}/mtl-train", *words, "recipe.steps=2", "weighter=avgnorm")
    (run,) = tmp_path.glob("results/runs/*avgnorm*/seed0")
    record = json.loads((run / "record.json").read_text())
    assert record["command"].startswith("mtl-train ")
    assert record["environment"]["commit"] is None
    assert record["environment"]["code"] == code.fingerprint()
    truths = open_split(build.compose([*SIZE, f"data={tmp_path}/data"]), "val", ["depth"])
    (tmp_path / "saved" / "depth").mkdir(parents=True)
    for index in range(len(truths)):
        truth = truths.read(index)
        np.save(tmp_path / f"saved/depth/{truth['meta']['id']}.npy", truth["depth"][0])
    call(f"{binaries}/mtl-evaluate", "predictions=saved", *SIZE)
    assert json.loads((tmp_path / "saved/scores.json").read_text())["tasks"]["depth"]["scores"]["rmse"] < 1e-5
    images = tmp_path / "images"
    images.mkdir()
    Image.new("RGB", (48, 32)).save(images / "0.png")
    call(f"{binaries}/mtl-predict", f"run={run}", f"images={images}", "device=cpu")
    assert (run / "predictions" / "0_depth.npy").exists()
    assert "mtl-balance" in call(f"{binaries}/mtl-doctor", "device=cpu").splitlines()[0]
