"""Every weighter of the configs, built and applied as in a run."""

from copy import deepcopy
from functools import cache

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from mtl import build
from mtl.weighters import Needs, Weighter

NAMES = sorted(path.stem for path in (build.CONFIGS / "weighter").glob("*.yaml") if path.stem != "url")  # URL is a loss


@cache
def config(name: str) -> DictConfig:
    """The file of a weighter."""
    return OmegaConf.load(build.CONFIGS / f"weighter/{name}.yaml")


@cache
def run(tasks: str) -> tuple[DictConfig, list]:
    """The composed config of a run, and its tasks."""
    cfg = build.compose([f"subset=[{tasks}]"])
    return cfg, build.build_tasks(cfg)


@cache
def built(name: str, tasks: str) -> Weighter:
    """The weighter of a run."""
    composed, its_tasks = run(tasks)
    cfg = composed.copy()
    cfg.weighter = config(name)
    return build.build_weighter(cfg, its_tasks)


def weighter(name: str, tasks: str = "semseg,depth,normals,edge") -> Weighter:
    """A new weighter for this number of tasks."""
    return deepcopy(built(name, tasks))


def applied(name: str) -> dict[str, str]:
    """How the engine applies it."""
    return build.applied(OmegaConf.create({"weighter": config(name)}))


def scopes(name: str) -> list[str]:
    """The scopes it can be applied at; a weighter that needs only losses ignores the scope."""
    method = get_class(config(name).method._target_)
    return ["shared"] if method.needs is Needs.LOSSES else [scope.value for scope in method.scopes]
