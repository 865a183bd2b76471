"""Trains one network: `python train.py dataset=rooms weighter=avgnorm`; configs/config.yaml holds all settings."""

from mtl.cli import start

if __name__ == "__main__":
    start.command()
