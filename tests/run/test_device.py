import os

import pytest
import torch

from mtl.run.device import choose_kernels


@pytest.fixture
def kernels(monkeypatch):
    """Restores what `choose_kernels` sets."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32
    yield lambda: (torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark)
    cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32, matmul.allow_tf32 = before
    torch.use_deterministic_algorithms(False)
    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


def test_kernels_of_a_gpu_are_deterministic_only_on_request(kernels):
    choose_kernels(False, "float32", torch.device("cuda"))
    assert kernels() == (False, False, True)
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    choose_kernels(True, "float32", torch.device("cuda"))
    assert kernels() == (True, True, False)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    choose_kernels(False, "float32", torch.device("cuda"))
    assert kernels() == (False, False, True)  # the next run of a sweep


def test_float32_has_all_its_bits_unless_the_run_asks_for_tf32(kernels, monkeypatch):
    backends = torch.backends.cudnn, torch.backends.cuda.matmul
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: True)
    choose_kernels(False, "tf32", torch.device("cuda"))
    assert all(backend.allow_tf32 for backend in backends)
    for precision in ("float32", "bfloat16"):
        choose_kernels(False, precision, torch.device("cuda"))
        assert not any(backend.allow_tf32 for backend in backends)


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_tf32_is_refused_where_there_is_none(kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: False)
    with pytest.raises(ValueError, match=r"recipe.precision=tf32 needs an NVIDIA GPU, Ampere or newer"):
        choose_kernels(False, "tf32", torch.device(kind))


def test_nothing_changes_on_the_cpu(kernels):
    before = kernels()
    choose_kernels(True, "float32", torch.device("cpu"))
    assert kernels() == before


@pytest.mark.parametrize("word", ["yes", 1, None])
def test_word_that_is_no_truth_value_is_refused(word):
    with pytest.raises(ValueError, match=f"deterministic={word}: use true or false"):
        choose_kernels(word, "float32", torch.device("cpu"))
