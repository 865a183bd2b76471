"""Builds the frozen foundation models that a run learns from, and the objective that does it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from mtl.build.config import CONFIGS, composed
from mtl.build.validate import as_dict, closest
from mtl.engine.teachers import FoundationModels
from mtl.models.base import MultiTaskModel

KEY = "weighter.distil"


def build_distillation(cfg: DictConfig, model: MultiTaskModel, steps: int) -> Any:
    """The objective that distils foundation models; None if the run has none.

    Creating it leaves the random state unchanged.

    Args:
        cfg: The composed config.
        model: The student.
        steps: Length of the run in optimizer steps.

    Raises:
        ValueError: A teacher does not exist, or has no weights, or there are none.
        ConnectionError: The weights of a teacher cannot be downloaded.
    """
    if "distil" not in cfg.weighter:
        return None
    keys = as_dict(cfg)["weighter"]["distil"]
    words, files = keys["teachers"], keys["checkpoints"]
    if unused := [word for word in files if word not in words]:
        raise ValueError(f"{KEY}.checkpoints.{unused[0]}: {KEY}.teachers has no {unused[0]}, only {', '.join(words)}")
    if twice := [word for place, word in enumerate(words) if word in words[:place]]:
        raise ValueError(f"{KEY}.teachers has {twice[0]} twice: name each foundation model once")
    paths, device = model.paths(len(words)), model.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        models = {word: build_teacher(word, files.get(word), keys["final_norm"]).to(device) for word in words}
        own = [statistics_of(word, encoder) for word, encoder in models.items()]
        teachers = FoundationModels(models, cfg.dataset.normalize.mean, cfg.dataset.normalize.std, own)
        known = {"channels": model.backbone.channels, "paths": paths, "teachers": teachers, "steps": steps}
        return instantiate(cfg.weighter.distil.loss, _partial_=True)(**known).to(device)


def build_teacher(word: str, checkpoint: str | None, final_norm: bool) -> Any:
    """The pretrained encoder of a word of `backbone=`.

    Args:
        word: The word.
        checkpoint: File of its weights; None: downloaded by name.
        final_norm: Whether its last map has its final LayerNorm.
    """
    backbone = backbone_of(word)
    file = f"+{KEY}.checkpoints.{word}"
    if checkpoint is None and not backbone.get("pretrained"):
        raise ValueError(f"teacher {word} has no pretrained weights to learn from: give {file}=FILE, or use another")
    if checkpoint is not None and not Path(checkpoint).is_file():
        raise ValueError(f"{KEY}.checkpoints.{word}={checkpoint}: no such file")
    encoder = {**backbone["encoder"], "pretrained": checkpoint is None, "checkpoint": checkpoint}
    changes = {"norm_last": final_norm, "size": None}  # the position embedding fits any image
    try:
        return instantiate(encoder | {key: value for key, value in changes.items() if key in encoder})
    except InstantiationException as error:
        reason = " ".join(str(error.__cause__ or error).split()).replace("backbone.checkpoint", file)
        kind = ConnectionError if isinstance(error.__cause__, ConnectionError) else ValueError
        raise kind(f"teacher {word}: {reason.partition(', or train from scratch')[0]}") from error


def backbone_of(word: str) -> Mapping[str, Any]:
    """The config of a backbone with pretrained weights, where it has some.

    Raises:
        ValueError: There is no such backbone.
    """
    words = [f"backbone={word}", "dataset.pretrained=true"]
    try:
        if GlobalHydra.instance().is_initialized():
            given = HydraConfig.get().overrides.hydra if HydraConfig.initialized() else ()
            folders = [other for other in given if other.startswith("hydra.searchpath=")]
            return as_dict(hydra.compose("config", [*folders, *words]))["backbone"]
        return as_dict(composed(words))["backbone"]
    except HydraException as error:
        known = sorted(path.stem for path in (CONFIGS / "backbone").glob("*.yaml"))
        raise ValueError(f"{KEY}.teachers: there is no backbone={word}{closest(word, known)}") from error


def statistics_of(word: str, encoder: Any) -> tuple[list[float], list[float]]:
    """Mean and deviation of the images that an encoder was trained on.

    Raises:
        ValueError: They are unknown.
    """
    about = next((m.pretrained_cfg for m in encoder.modules() if hasattr(m, "pretrained_cfg")), None)
    if about is None:
        raise ValueError(f"teacher {word} is not a network of timm, which knows the mean of its images: use another")
    return list(about["mean"]), list(about["std"])
