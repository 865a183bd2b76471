"""The console commands: mtl-train, mtl-evaluate, mtl-predict and mtl-doctor."""

from importlib import import_module
from importlib.util import find_spec

from mtl.places import install


def train() -> None:
    """Trains one network."""
    run("start", "train")


def evaluate() -> None:
    """Scores saved predictions of any program."""
    run("evaluate")


def predict() -> None:
    """Predicts all tasks of a trained run for your images."""
    run("predict")


def doctor() -> None:
    """Prints what a bug report should include."""
    run("doctor")


def run(module: str, command: str = "") -> None:
    """Runs a module of `mtl.cli`, or ends in one line if only the core of the package is installed."""
    if find_spec("hydra") is None:
        raise SystemExit(f"error: mtl-{command or module} needs more packages: {install('bench')}")
    import_module(f"mtl.cli.{module}").command()
