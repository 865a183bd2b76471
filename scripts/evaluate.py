"""Scores saved predictions of any program: `python scripts/evaluate.py --help`."""

from mtl.cli import evaluate

if __name__ == "__main__":
    evaluate.command()
