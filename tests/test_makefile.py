"""Variables of make become words of a script, quoted for the shell; nothing is run."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def words_of(*arguments: str) -> list[str]:
    """The words that make would pass to its script."""
    command = ["make", "--no-print-directory", "--dry-run", "--old-file=install", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return shlex.split(done.stdout)[2:]


@pytest.mark.parametrize("target", ["table2", "grid", "demo", "weighters", "architectures", "figure4-runs"])
def test_experiments_take_the_words_of_the_machine_and_any_others(target):
    given = ["DATASET=nyud", "SEEDS=0,1", "DEVICE=cuda:1", "WORKERS=4", "PRECISION=bfloat16", "COMPILE=true"]
    more = ["DATA=/a b/it's", "RESULTS=/r s", r"WORDS=seed=range(3) subset=[depth,edge] x=/c\ d y=${data}/z"]
    expected = ["seed=0,1", "dataset=nyud", "results=/r s", "data=/a b/it's", "device=cuda:1", "workers=4"]
    expected += ["recipe.precision=bfloat16", "recipe.compile=true"]
    expected += ["seed=range(3)", "subset=[depth,edge]", "x=/c d", "y=${data}/z"]
    assert words_of(target, *given, *more) == [*expected, f"experiment={target.removesuffix('-runs')}"]


def test_without_variables_an_experiment_is_named_alone():
    assert words_of("table3") == ["experiment=table3"]
    assert words_of("table3", "DATASET=rooms") == ["dataset=rooms", "experiment=[table3,small]"]


@pytest.mark.parametrize("target", ["figures", "figure7", "claims", "check-paper", "report"])
def test_what_only_reads_takes_the_folder_of_the_results(target):
    assert "results=/r s" in words_of(target, "RESULTS=/r s")


NASTY = [
    "/a b",
    "~/a",
    "/a&b",
    "/a?b=c&d",
    "/a;touch b",
    "/it's",
    '/a"b',
    "/a$b",
    "/a$(touch b)",
    "/a`b`",
    "/a|b",
    "/a#b",
    "*",
]


@pytest.mark.parametrize("value", NASTY)
def test_any_path_reaches_the_script_whole(value):
    given = [f"{name}={value}" for name in ("ARCHIVE", "URL", "DATA")]
    assert words_of("data-nyud", *given) == [f"archive={value}", f"url={value}", f"data={value}"]
    assert f"dataset={value}" in words_of("table2", f"DATASET={value}")


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_only_an_environment_is_emptied(tmp_path, kind):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("")
    if kind == "link":
        (tmp_path / "mine/pyvenv.cfg").write_text("")
        (tmp_path / "venv").symlink_to(tmp_path / "mine")
    else:
        (tmp_path / "mine").rename(tmp_path / "venv")
    command = ["make", f"VENV={tmp_path}/venv", "PYTHON=false", "install"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "would be emptied" in done.stdout
    assert (tmp_path / "venv/file").exists()


def test_workflows_run_targets_that_exist():
    targets = re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    jobs = [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]
    steps = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    matrices = [job["strategy"]["matrix"] for job in jobs if "strategy" in job]
    words = [word for step in steps for word in re.findall(r"make ([\w-]+)", step)]
    words += [word for matrix in matrices for word in matrix["target"]]
    words += [row["target"] for matrix in matrices for row in matrix["include"]]
    assert len(words) >= 5
    assert set(words) <= set(targets)


def test_environment_is_made_again_for_another_lock_file_alone(tmp_path):
    """A file that git writes again is newer and the same: its environment, perhaps in use, is kept."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    shutil.copyfile(ROOT / "requirements.lock", venv / "requirements.lock")
    (venv / "editable").write_text(f"{tmp_path}\n{(ROOT / 'pyproject.toml').read_text()}")

    def made() -> str:
        command = ["make", "--no-print-directory", "--dry-run", "PYTHON=python", "install"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    assert "--clear" not in made()
    assert "-e ." not in made()
    (tmp_path / "pyproject.toml").write_text("another")
    assert "-e ." in made()
    assert "--clear" not in made()
    (tmp_path / "requirements.lock").write_text("another")
    assert "-m venv --clear" in made()
