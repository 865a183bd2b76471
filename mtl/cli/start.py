"""Trains one network: `python train.py dataset=rooms weighter=avgnorm`; --cfg job prints all settings."""

import hydra
from omegaconf import DictConfig

from mtl.cli.ending import run
from mtl.places import CONFIGS


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="config")
def main(cfg: DictConfig) -> None:
    """Trains, evaluates and records a run; resumes a run that was killed, and skips one that has finished."""
    from mtl.cli.train import train  # noqa: PLC0415  imports torch, which --help and a mistyped word need not wait for

    train(cfg)


def command() -> None:
    """Reads the command line, and trains."""
    run(main, __doc__)


if __name__ == "__main__":
    command()
