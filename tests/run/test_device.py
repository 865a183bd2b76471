import os

import pytest
import torch

from mtl.run.device import choose_kernels


@pytest.fixture
def kernels(monkeypatch):
    """Restores what `choose_kernels` sets."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    yield lambda: (torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark)
    cudnn.benchmark, cudnn.deterministic = before
    torch.use_deterministic_algorithms(False)
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


def test_kernels_of_a_gpu_are_deterministic_only_on_request(kernels):
    torch.backends.cudnn.benchmark = True
    choose_kernels(False, torch.device("cuda"))
    assert kernels() == (False, False, True)
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    choose_kernels(True, torch.device("cuda"))
    assert kernels() == (True, True, False)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    choose_kernels(False, torch.device("cuda"))
    assert kernels()[:2] == (False, False)  # the next run of a sweep


def test_nothing_changes_on_the_cpu(kernels):
    before = kernels()
    choose_kernels(True, torch.device("cpu"))
    assert kernels() == before


@pytest.mark.parametrize("word", ["yes", 1, None])
def test_word_that_is_no_truth_value_is_refused(word):
    with pytest.raises(ValueError, match=f"deterministic={word}: use true or false"):
        choose_kernels(word, torch.device("cpu"))
