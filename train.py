"""Trains one network: `python train.py dataset=rooms weighter=avgnorm`; configs/config.yaml holds all settings."""

import hydra
from omegaconf import DictConfig

from mtl import cli


@hydra.main(version_base="1.3", config_path="configs", config_name="config")
def main(cfg: DictConfig) -> None:
    """Trains, evaluates and records a run; resumes a run that was killed, and skips one that has finished."""
    from mtl.cli.train import train  # noqa: PLC0415  imports torch, which --help and a mistyped word need not wait for

    train(cfg)


if __name__ == "__main__":
    cli.run(main, __doc__)
