"""Predicts all tasks of a trained run for your images: `python scripts/predict.py --help`."""

from mtl.cli import predict

if __name__ == "__main__":
    predict.command()
