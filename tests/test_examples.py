"""Programs of the folder examples, and the Python code on the pages of docs, run."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
BLOCKS = [
    pytest.param(block, id=f"{page.stem}{number}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def run(name: str) -> dict:
    """Names that an example leaves."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_every_example_is_shown_and_tested():
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    page = (ROOT / "docs/examples.md").read_text()
    assert names == set(re.findall(r"<!-- include examples/(\w+).py -->", page))
    tests = Path(__file__).read_text()
    assert [name for name in names if name not in tests] == []


def test_own_loop_trains_tasks_of_different_scale():
    history = run("own_loop")["history"]
    assert (history[-1] < 0.6 * history[0]).all()


@pytest.mark.parametrize("name", ["timm_heads", "mixed_precision"])
def test_example_weights_every_task(name):
    result = run(name)["result"]
    assert result.active.all()
    assert torch.isfinite(result.weights).all()
    assert result.weights.abs().min() > 0


def test_task_without_labels_is_left_alone():
    names = run("partial_labels")
    assert names["result"].weights[1] == 0
    assert names["result"].weights[0] > 0
    gradients = [head.weight.grad for head in names["heads"]]
    assert gradients[1] is None or not gradients[1].any()
    assert gradients[0].any()


@pytest.mark.parametrize(
    ("name", "package"), [("transformers_heads", "transformers"), ("accelerate_loop", "accelerate")]
)
def test_example_with_another_package(name, package):
    pytest.importorskip(package)
    assert run(name)["result"].active.all()


@pytest.mark.slow
def test_lightning():
    pytest.importorskip("lightning")
    subprocess.run([sys.executable, EXAMPLES / "lightning_loop.py"], check=True, cwd=ROOT)


@pytest.mark.slow
def test_two_processes_get_the_same_gradients():
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launch, EXAMPLES / "two_processes.py"], check=True, cwd=ROOT)


@pytest.mark.parametrize("block", BLOCKS)
def test_code_on_a_page_runs(block):
    if "torchjd" in block or "TorchJD" in block:
        pytest.importorskip("torchjd")
    exec(compile(block, "page", "exec"), {})


def test_pages_have_code():
    assert len(BLOCKS) >= 5
