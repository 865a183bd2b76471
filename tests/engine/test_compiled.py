"""Compiled regions give the losses, weights and gradients of the plain network."""

import copy
import os
from types import SimpleNamespace

import pytest
import torch
import torch._functorch.config
from networks import network

import mtl
from mtl.engine.compiled import compile_regions
from mtl.weighters import AvgNorm


@pytest.fixture(autouse=True)
def _restored(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    with torch._functorch.config.patch(donated_buffer=True):
        yield


def compile_parts(model, backend):
    """Compiles all but the last shared layer; returns the names of the parts that were called, in order."""
    parts = {"stem": model.encoder.stem, "middle": model.encoder.middle} | dict(model.heads.named_children())
    compile_regions(SimpleNamespace(regions=parts.values, device=torch.device("cpu")), backend)
    called = []
    for name, part in parts.items():

        def call(*given, name=name, compiled=part._compiled_call_impl):
            called.append(name)
            return compiled(*given)

        part._compiled_call_impl = call
    return called


def step(model, image, scope):
    model.zero_grad()
    features = mtl.cut(model.encoder(image), 2)
    losses = model.decode(features)
    return mtl.backward(losses, features, AvgNorm(2), scope=scope, last_layer=model.encoder.last.weight)


@pytest.mark.filterwarnings("default")  # the compiler looks at .grad of tensors that are no leaves
def test_engine_differentiates_compiled_regions_at_every_scope():
    plain, image = network(num_tasks=2)
    ours = copy.deepcopy(plain)
    called = compile_parts(ours, "aot_eager")
    for scope in ("features", "last_layer", "shared"):
        expected, found = step(plain, image, scope), step(ours, image, scope)
        torch.testing.assert_close(found.losses, expected.losses)
        torch.testing.assert_close(found.weights, expected.weights)
        for (name, parameter), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
            torch.testing.assert_close(parameter.grad, other.grad, msg=lambda m, n=name: f"{n}: {m}")
    for buffer, other in zip(ours.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(buffer, other)
    assert called == ["stem", "middle", "0", "1"] * 3


def test_without_a_compiler_the_word_is_refused():
    def backend(*_):
        raise RuntimeError("no working C++ compiler")

    with pytest.raises(ValueError, match=r"^recipe.compile=true, but torch cannot compile for cpu here \(.*C\+\+ comp"):
        compile_parts(network()[0], backend)


def test_cache_of_other_programs_is_left_alone(monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    compile_parts(network()[0], "aot_eager")
    assert "mtl_" in os.environ["TORCHINDUCTOR_CACHE_DIR"]
