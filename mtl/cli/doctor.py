"""Prints what a question or a bug report should include, ready to paste: `python scripts/doctor.py`.

It lists versions, GPUs and mixed precision, the datasets on this machine and their archives, the pretrained weights on
this machine, and which encoders fit the image size of which dataset. Nothing is downloaded, trained or checked.
"""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig

import mtl
from mtl import build
from mtl.cli.ending import run
from mtl.data.disk import DiskDataset, MissingDatasetError
from mtl.data.disk.manifest import Manifest
from mtl.run.record import environment

WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def choices(group: str) -> list[str]:
    """The files of a config group."""
    return sorted(path.stem for path in (build.CONFIGS / group).glob("*.yaml"))


def software() -> Iterator[str]:
    """Code, Python, packages."""
    about = environment(torch.device("cpu"))
    commit = (about["commit"] or "no commit")[:12] + (" with changes" if about["changed"] else "")
    yield f"code      mtl-balance {mtl.__version__}, {commit}, {about['code']}"
    yield f"system    {platform.system()} {platform.release()}, Python {about['python']}"
    yield f"packages  {', '.join(f'{name} {version}' for name, version in about['packages'].items())}"
    yield f"CPU       {about['cpu']}, {os.cpu_count()} cores, {about['cpu_capability']}, threads {about['threads']}"


def devices() -> Iterator[str]:
    """GPUs, and the mixed precision that they support."""
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        yield f"GPU       cuda:{index} {about.name}, {about.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"
    if not torch.cuda.is_available():
        built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else "torch is built without CUDA"
        yield f"GPU       none ({built})"
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    known = ["tf32"] * (kind == "cuda" and torch.cuda.is_tf32_supported())
    known += ["bfloat16"] * (kind == "cpu" or torch.cuda.is_bf16_supported()) + ["float16"]
    yield f"AMP       on {kind}: {', '.join(f'recipe.precision={word}' for word in known)}"


def dataset(cfg: DictConfig) -> str:
    """Whether a dataset is on this machine, from which archive, and its number of images."""
    kind, place = get_class(cfg.dataset.train._target_), Path(cfg.dataset.train.root)
    if not issubclass(kind, DiskDataset):
        return f"in {place}, rendered on first use"
    try:
        root = kind.locate(place)
        files = len(Manifest(place.with_name(f"{place.name}.manifest.json"), root))
        checked = f"{files} files checked" if files else "not checked yet"
        return f"{kind.variant(root)}: {kind.tally(root)}, {checked}, in {root}"
    except MissingDatasetError:
        return f"not in {place}: {kind.command()}"
    except (ValueError, OSError) as error:
        return str(error)


def weights(cfg: DictConfig) -> str:
    """Whether the weights of an encoder are on this machine."""
    if not cfg.backbone.pretrained:
        return "not pretrained"
    if cfg.backbone.get("checkpoint"):
        return f"{cfg.backbone.checkpoint}, {'here' if Path(cfg.backbone.checkpoint).is_file() else 'missing'}"
    source = timm.get_pretrained_cfg(cfg.backbone.encoder.name)
    if source is None or source.hf_hub_id is None:
        return f"timm {timm.__version__} has no weights of {cfg.backbone.encoder.name}"
    names = (source.hf_hub_filename,) if source.hf_hub_filename else WEIGHTS
    found = [try_to_load_from_cache(source.hf_hub_id, name) for name in names]
    here = any(isinstance(path, str) for path in found)
    return f"{cfg.backbone.encoder.name}, {'here' if here else 'not here, downloaded on first use'}"


def sizes(cfg: DictConfig, datasets: Sequence[DictConfig]) -> str:
    """Which datasets have an image size that the encoder can tile."""
    with torch.device("meta"):  # only its shape matters
        encoder = instantiate(cfg.backbone.encoder, pretrained=False)
    lines = []
    for chosen in datasets:
        fitting = encoder.nearest_size(chosen.height, chosen.width)
        if fitting != (chosen.height, chosen.width):
            give = f"dataset.height={fitting[0]} dataset.width={fitting[1]}"
            lines.append(f"not {chosen.name} at {chosen.height} x {chosen.width}, but at {give}")
    tiles = f"sides in multiples of {encoder.multiple}" if encoder.multiple > 1 else "any size"
    return f"{tiles}, {'; '.join(lines) or 'fits every dataset'}"


def main(_: Mapping[str, str], words: Sequence[str]) -> None:
    """Prints the report."""
    build.compose(words)  # refuses wrong words before anything is printed
    words = [word for word in words if not word.startswith(("dataset=", "backbone="))]
    print("\n".join([*software(), *devices()]))
    composed = [build.compose([*words, f"dataset={name}"]) for name in choices("dataset")]
    for cfg in composed:
        print(f"data      {cfg.dataset.name}: {dataset(cfg)}")
    for name in choices("backbone"):
        cfg = build.compose([*words, f"backbone={name}", "dataset=nyud"])
        print(f"encoder   {name}: {weights(cfg)}; {sizes(cfg, [c.dataset for c in composed])}", flush=True)


def command() -> None:
    """Reads the command line, and prints."""
    run(main, __doc__, {}, others=True)
