"""Every weighter of the configs, built and applied as in a run."""

from copy import deepcopy
from functools import cache

from omegaconf import OmegaConf

from mtl import build
from mtl.weighters import Needs, Scope, Weighter

NAMES = sorted(path.stem for path in (build.CONFIGS / "weighter").glob("*.yaml") if path.stem != "url")  # URL is a loss


@cache
def run(tasks: str):
    """The composed config of a run, and its tasks."""
    cfg = build.compose([f"subset=[{tasks}]"])
    return cfg, build.build_tasks(cfg)


@cache
def config(name: str, tasks: str):
    """How the engine applies the weighter of a config, and the weighter."""
    base, built = run(tasks)
    cfg = base.copy()
    cfg.weighter = OmegaConf.load(build.CONFIGS / f"weighter/{name}.yaml")
    return build.applied(cfg), build.build_weighter(cfg, built)


def weighter(name: str, tasks: str = "semseg,depth,normals,edge") -> Weighter:
    """A new weighter for this number of tasks."""
    return deepcopy(config(name, tasks)[1])


def applied(name: str) -> dict[str, str]:
    """How the engine applies it."""
    return dict(config(name, "semseg,depth,normals,edge")[0])


def scopes(name: str) -> list[str]:
    """The scopes it can be applied at; a weighter that needs only losses ignores the scope."""
    choice = {Needs.LOSSES: [Scope.SHARED], Needs.GRADIENTS: [Scope.FEATURES, Scope.SHARED]}
    return [scope.value for scope in choice.get(weighter(name).needs, Scope)]
