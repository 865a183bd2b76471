"""Networks of timm and their weights, which are loaded completely or not at all."""

import difflib
import inspect
import logging
import pickle
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from timm.models import load_state_dict, load_state_dict_from_hf
from torch import Tensor, nn

State = dict[str, Tensor]
UNREADABLE = (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError)


def create(
    name: str, *, pretrained: bool, checkpoint: str | Path | None, view: Mapping[str, Any], **options: Any
) -> nn.Module:
    """A network of timm, untrained or with its weights.

    Args:
        name: timm name, with the tag of the weights.
        pretrained: Load the weights that the name stands for; needs the network once.
        checkpoint: File with the weights instead, .safetensors or what torch saves.
        view: Arguments of timm that leave a part of the network out, such as its classifier.
        **options: Arguments of timm that change the network.

    Raises:
        ValueError: timm has no such network or weights, or the weights are not those of the network.
        ConnectionError: The weights cannot be fetched.
    """
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "timm.list_models() names those it has"
        raise ValueError(f"timm {timm.__version__} has no model {name!r}: {hint}")
    try:
        network = timm.create_model(name, **view, **options)
    except RuntimeError as error:
        if "Invalid pretrained tag" not in str(error):
            raise
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise ValueError(f"timm {timm.__version__} has no weights {name!r}: use a tag of {', '.join(tags)}") from error
    if pretrained or checkpoint:
        with torch.device("meta"):  # names without memory
            whole = timm.create_model(name, **options)
        state = read(Path(checkpoint)) if checkpoint else fetch(name)
        load_weights(network, state, optional=whole.state_dict(), origin=str(checkpoint or name))
    return network


def fetch(name: str) -> State:
    """The weights of that name from the Hugging Face hub, or from its cache on this machine."""
    source = timm.get_pretrained_cfg(name)
    if not source.hf_hub_id:
        raise ValueError(f"timm has no weights of {name}: give backbone.checkpoint=FILE, or backbone.pretrained=false")
    file = source.hf_hub_filename or "model.safetensors"
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.ERROR)  # it would report each of its attempts
    try:
        return load_state_dict_from_hf(source.hf_hub_id, file)
    except OSError as error:
        raise ConnectionError(
            f"cannot fetch the weights of {name}: get https://huggingface.co/{source.hf_hub_id}/resolve/main/{file} "
            "where there is a network and give backbone.checkpoint=FILE, or train from scratch with "
            "backbone.pretrained=false"
        ) from error
    finally:
        log.setLevel(level)


def read(path: Path) -> State:
    """The weights in a file, read without running any code it may hold.

    Raises:
        ValueError: There is no such file, or it holds no weights.
    """
    if not path.is_file():
        raise ValueError(f"backbone.checkpoint={path}: no such file")
    try:
        return load_state_dict(str(path))
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"backbone.checkpoint={path}: damaged, or not only weights ({reason})") from error


def load_weights(network: nn.Module, state: State, *, optional: Iterable[str], origin: str) -> None:
    """Loads the weights of a network.

    Args:
        network: The network, or what is left of it.
        state: The weights. timm's own translation of foreign names is applied where it has one.
        optional: Names that the weights may have beside those of the network.
        origin: What to call the weights in an error.

    Raises:
        ValueError: A weight is missing, of another shape, or of no use.
    """
    if translate := getattr(inspect.getmodule(type(network)), "checkpoint_filter_fn", None):
        state = translate(state, network)
    own = network.state_dict()
    fitting = {key: value for key, value in state.items() if key in own and value.shape == own[key].shape}
    missing = network.load_state_dict(fitting, strict=False).missing_keys
    misfit = {
        key: f" of shape {list(own[key].shape)}, found {list(state[key].shape)}" for key in missing if key in state
    }
    wrong = {
        "missing": [f"{key}{misfit.get(key, '')}" for key in missing],
        "unknown": sorted(state.keys() - own.keys() - set(optional)),
    }
    if any(wrong.values()):
        found = "; ".join(f"{len(keys)} {word} ({few(keys)})" for word, keys in wrong.items() if keys)
        raise ValueError(f"{origin} does not hold the weights of this network: {found}")


def few(names: Sequence[str]) -> str:
    """The first three names."""
    return ", ".join([*names[:3], "..."] if len(names) > 3 else names)
