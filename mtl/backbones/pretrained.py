"""timm networks with pretrained weights, which must match completely."""

import difflib
import inspect
import logging
import pickle
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

import timm
import torch
from annotated_types import Ge, Len
from safetensors import SafetensorError
from timm.models import load_state_dict, load_state_dict_from_hf
from torch import Tensor, nn

State = dict[str, Tensor]
UNREADABLE = (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError)
Count = Annotated[int, Ge(1)]


class TimmOptions(TypedDict, total=False):
    """Arguments of timm networks that change their size; timm takes others as well."""

    layers: Annotated[Sequence[Count], Len(4, 4)]
    channels: Annotated[Sequence[Count], Len(4, 4)]
    depth: Count
    embed_dim: Count
    num_heads: Count


def create(
    name: str, *, pretrained: bool, checkpoint: str | Path | None, view: Mapping[str, Any], **options: Any
) -> nn.Module:
    """A timm network, untrained or with pretrained weights.

    Args:
        name: timm name, with the tag of the weights.
        pretrained: Load the weights of that name; needs an internet connection once.
        checkpoint: File to load the weights from instead, .safetensors or saved by torch.
        view: timm arguments that leave out a part of the network, such as its classifier.
        **options: timm arguments that change the network.

    Raises:
        ValueError: timm has no such network or weights, or the weights do not fit the network.
        ConnectionError: The weights cannot be downloaded.
    """
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "timm.list_models() lists all"
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
    """The weights of that name from the Hugging Face hub, or from its local cache."""
    source = timm.get_pretrained_cfg(name)
    if source is None or not source.hf_hub_id:
        raise ValueError(f"timm has no weights of {name}: give backbone.checkpoint=FILE, or backbone.pretrained=false")
    file = source.hf_hub_filename or "model.safetensors"
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.ERROR)  # it would log every retry
    try:
        return load_state_dict_from_hf(source.hf_hub_id, file, weights_only=True)
    except OSError as error:
        raise ConnectionError(
            f"cannot download the weights of {name}: get https://huggingface.co/{source.hf_hub_id}/resolve/main/{file} "
            "on a machine with internet access and give backbone.checkpoint=FILE, or train from scratch with "
            "backbone.pretrained=false"
        ) from error
    finally:
        log.setLevel(level)


def read(path: Path) -> State:
    """The weights in a file, read without executing code from it.

    Raises:
        ValueError: There is no such file, or it holds no weights.
    """
    if not path.is_file():
        raise ValueError(f"backbone.checkpoint={path}: no such file")
    try:
        return load_state_dict(str(path), weights_only=True)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"backbone.checkpoint={path}: damaged, or holds more than weights ({reason})") from error


def load_weights(network: nn.Module, state: State, *, optional: Iterable[str], origin: str) -> None:
    """Load the weights into a network.

    Args:
        network: The network, possibly without some of its parts.
        state: The weights. Where timm can translate the parameter names of other projects, it does.
        optional: Additional names that the weights may contain.
        origin: Name of the weights in error messages.

    Raises:
        ValueError: A weight is missing, has another shape, or is not used.
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
