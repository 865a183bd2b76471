import subprocess

import pytest
import torch

from mtl.run import code
from mtl.run.record import environment, environments


@pytest.fixture
def project(tmp_path):
    """A small project with one commit, as a function that runs git in it."""

    def git(*arguments):
        names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *names, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("mtl/engine/step.py", "mtl/report/table.py", "configs/config.yaml", "train.py", "results/runs.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    return git


@pytest.mark.parametrize("name", ["results/runs.csv", "mtl/report/table.py", "mtl/bench/new.py", "docs/new.md"])
def test_changes_that_cannot_affect_a_run_do_not_count(project, tmp_path, name):
    before = code.fingerprint(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("two\n")
    assert code.changes(tmp_path) == b""
    assert code.fingerprint(tmp_path) == before


@pytest.mark.parametrize("name", ["mtl/engine/step.py", "train.py", "mtl/weighters/new.py", "configs/task/new.yaml"])
def test_patch_holds_changed_and_new_files(project, tmp_path, name):
    before = code.fingerprint(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / name).write_text("two\n")
    assert f"+++ b/{name}".encode() in code.changes(tmp_path)
    assert b"+two" in code.changes(tmp_path)
    assert (code.fingerprint(tmp_path) == before) == (not name.startswith("mtl/"))


def test_patch_restores_the_code(project, tmp_path):
    (tmp_path / "mtl/engine/step.py").write_text("two\n")
    (tmp_path / "mtl/engine/new.py").write_bytes("n\u00e9w\r\n".encode("latin-1"))
    changed = code.fingerprint(tmp_path)
    (tmp_path / "run.patch").write_bytes(code.changes(tmp_path))
    (tmp_path / "mtl/engine/new.py").unlink()
    project("checkout", "mtl")
    assert code.fingerprint(tmp_path) != changed
    project("apply", "run.patch")
    assert code.fingerprint(tmp_path) == changed


def test_commit_of_a_document_does_not_change_the_fingerprint(project, tmp_path):
    first, before = code.commit(tmp_path), code.fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("text\n")
    project("add", "README.md")
    project("commit", "-qm", "second")
    assert code.commit(tmp_path) != first
    assert code.fingerprint(tmp_path) == before


def test_folder_without_git_has_a_fingerprint_only(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "mtl").mkdir()
    (tmp_path / "mtl/task.py").write_text("one\n")
    assert (code.commit(tmp_path), code.changes(tmp_path)) == (None, b"")
    assert len(code.fingerprint(tmp_path)) == 12


def test_environment_names_what_can_change_numbers():
    about = environment(torch.device("cpu"))
    assert about["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert about["threads"] == torch.get_num_threads()
    assert about["code"] == code.fingerprint()
    assert about["cpu"]


def test_folder_knows_where_else_the_run_was_trained(tmp_path):
    here = environment(torch.device("cpu"))
    there = here | {"cpu_capability": "AVX2"}
    assert environments(tmp_path, there) == [there]
    assert environments(tmp_path, here | {"command": "resumed"}) == [there, here | {"command": "resumed"}]
    assert environments(tmp_path, here) == [there, here]
