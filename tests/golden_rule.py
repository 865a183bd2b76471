"""Generates numbers from names and compares networks with tests/golden/models; the rule is in the README there."""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mtl import build
from mtl.models import MultiTaskModel, Outputs

FOLDER = Path(__file__).parent / "golden" / "models"
OUTPUT, GRADIENT, STATISTIC = 1e-9, 1e-8, 1e-9  # tolerances, relative to the largest value or the norm
CHANNELS = {"semseg": 40, "human_parts": 7, "depth": 1, "normals": 3, "saliency": 2, "edge": 1}


def hashes(name: str, count: int) -> np.ndarray:
    """The first `count` 32-bit numbers generated from a name. Shape [count], uint32, which wraps around."""
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(zlib.crc32(name.encode()))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    return h ^ (h >> np.uint32(16))


def unit(name: str, shape: Sequence[int]) -> Tensor:
    """Numbers u between 0 and 1, float64."""
    return torch.from_numpy((hashes(name, int(np.prod(shape))) + 0.5) / 2**32).reshape(tuple(shape))


def signed(name: str, shape: Sequence[int]) -> Tensor:
    """Numbers s between -1 and 1, float64."""
    return 2 * unit(name, shape) - 1


def at(name: str, tensor: Tensor, count: int) -> Tensor:
    """Values of a tensor at the first `count` positions generated from a name. Shape [count]."""
    places = hashes(name, count) % np.uint64(tensor.numel())
    return tensor.detach().flatten()[places.astype(np.int64)]


def network(words: Sequence[str]) -> MultiTaskModel:
    """Build the configured network in float64, with weights and running statistics from the rule and no dropout."""
    cfg = build.compose(list(words))
    model = build.build_model(cfg, build.build_tasks(cfg)).double()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    state = model.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        s = signed(name, tensor.shape)
        if name.endswith("running_var") or (tensor.dim() <= 1 and name.endswith("weight")):
            tensor.copy_(1 + 0.5 * s)
        elif tensor.dim() <= 1:
            tensor.copy_(0.3 * s)
        elif tensor.dim() == 3:
            tensor.copy_(0.5 * s)
        else:
            tensor.copy_(s * (2.5 / tensor[0].numel()) ** 0.5)
    return model


def named(outputs: Outputs) -> dict[str, Tensor]:
    """All predictions by key; auxiliary ones have keys such as aux0:semseg."""
    early = {f"aux{k}:{task}": p for k, term in enumerate(outputs.auxiliary) for task, p in term.items()}
    return outputs.final | early


class Reference(NamedTuple):
    """Contents of a file of golden vectors."""

    meta: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def reference(name: str) -> Reference:
    """Load the golden vectors of a network."""
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = dict(file)
    return Reference(json.loads(str(arrays.pop("meta"))), arrays)


def assert_near(found: Any, expected: Any, tolerance: float, scale: float, what: str) -> None:
    """Assert that the largest error, relative to the scale, is within the tolerance."""
    error = np.abs(np.asarray(found, dtype=np.float64) - np.asarray(expected, dtype=np.float64)).max() / scale
    assert error <= tolerance, f"{what}: relative error {error:.2e}, allowed {tolerance:.0e}"


def assert_equals_reference(name: str, mode: str, *words: str) -> None:
    """Assert that a forward and backward pass match the reference.

    Compares shapes, outputs, the functional, gradients and running statistics.

    Args:
        name: Golden file.
        mode: `eval` or `train`.
        *words: Overrides in addition to those in the file.
    """
    meta, arrays = reference(name)
    model = network([*meta["words"], *words]).train(mode == "train")
    assert_tensors(model, meta)
    outputs = named(model(2 * signed("image", meta["input"])))
    assert sorted(outputs) == meta["outputs"]
    functional = sum((p * signed(f"cotangent:{key}", p.shape)).mean() for key, p in outputs.items())
    functional.backward()

    for kind, count in (("", 200), ("auxiliary_", 64)):
        for row, key in enumerate(meta["final" if not kind else "auxiliary"]):
            assert list(outputs[key].shape) == meta["shapes"][key]
            expected = arrays[f"{mode}_{kind}values"][row]
            assert_near(at(f"at:{key}", outputs[key], count), expected, OUTPUT, np.abs(expected).max(), key)
    for row, key in enumerate(meta["outputs"]):
        mean, std = arrays[f"{mode}_mean"][row], arrays[f"{mode}_std"][row]
        moments = outputs[key].mean().item(), outputs[key].std(correction=0).item()
        assert_near(moments, (mean, std), OUTPUT, std + abs(mean), f"mean and std of {key}")
    expected = float(arrays[f"{mode}_functional"])
    assert_near(functional.item(), expected, OUTPUT, abs(expected), "functional")

    parameters = dict(model.named_parameters())
    gradients = {key: parameters[key].grad for key in meta["gradients"]}
    assert_tensors_near(gradients, arrays, f"{mode}_gradient", GRADIENT)
    if mode == "train":
        statistics = model.state_dict()
        assert_tensors_near({key: statistics[key] for key in meta["buffers"]}, arrays, "train_buffer", STATISTIC)


def assert_tensors(model: MultiTaskModel, meta: Mapping[str, Any]) -> None:
    """Assert that parameters and running statistics match the reference in names, shapes and exact number."""
    state = model.state_dict().items()
    ours = {(key, without_ones(t.shape)) for key, t in state if not key.endswith("num_batches_tracked")}
    theirs = {(key, without_ones(shape)) for key, shape in meta["tensors"].items()}
    assert ours == theirs, f"only ours: {sorted(ours - theirs)}; only the reference's: {sorted(theirs - ours)}"
    assert sum(p.numel() for p in model.parameters()) == meta["parameters"]


def without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    """Shape without trailing ones, because a linear layer of the reference may be a 1x1 convolution here."""
    shape = list(shape)
    while shape and shape[-1] == 1:
        shape.pop()
    return tuple(shape)


def assert_tensors_near(
    found: Mapping[str, Tensor], arrays: Mapping[str, np.ndarray], prefix: str, tolerance: float
) -> None:
    """Assert that the norm and eight values of each tensor match, relative to the norm."""
    for row, (key, tensor) in enumerate(found.items()):
        norm = float(arrays[f"{prefix}_norm"][row])
        assert_near(tensor.norm().item(), norm, tolerance, norm, f"norm of {prefix} {key}")
        assert_near(at(f"at:{key}", tensor, 8), arrays[f"{prefix}_values"][row], tolerance, norm, f"{prefix} {key}")


def predictions(task: str, shape: Sequence[int], salt: str) -> Tensor:
    """Predictions of a task: logits, metres or vectors. Shape [B, C, H, W] for a shape (B, H, W)."""
    batch, *size = shape
    return 3 * signed(f"prediction:{task}{salt}", (batch, CHANNELS[task], *size))


def labels(task: str, shape: Sequence[int], salt: str, ignored: float) -> Tensor:
    """Labels of a task, with a share `ignored` of invalid pixels. Shape [B, 1, H, W], normals [B, 3, H, W]."""
    batch, *size = shape
    off = unit(f"ignored:{task}{salt}", (batch, 1, *size)) < ignored
    if task == "normals":
        vectors = signed(f"label:normals{salt}", (batch, 3, *size))
        return (vectors / vectors.norm(dim=1, keepdim=True)).masked_fill(off, 0)
    u = unit(f"label:{task}{salt}", (batch, 1, *size))
    if task == "depth":
        return (0.5 + 5 * u).masked_fill(off, 0)
    rare = {"saliency": 0.3, "edge": 0.05}
    values = u < rare[task] if task in rare else torch.floor(CHANNELS[task] * u)
    return values.double().masked_fill(off, 255)
