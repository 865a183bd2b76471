"""Scores of predictions without learning, to hold the scores of networks against: `python scripts/floors.py`.

Words of train.py choose the dataset and its protocol. For every task the best constant; for edges also noise, Sobel
filters, and the truth blurred by a pixel, which says what an accurate network could reach.
"""

from collections.abc import Mapping, Sequence

from mtl import build, cli
from mtl.cli.floors import floors
from mtl.cli.prepare import check_split
from mtl.report.names import notation

OWN = {"split": ("val", "val or test")}


def main(own: Mapping[str, str], words: Sequence[str]) -> None:
    """Prints the scores, one line per task and prediction."""
    cfg = build.compose(words)
    check_split(cfg, own["split"])
    for task, prediction, scores in floors(cfg, own["split"]):
        print(f"{task}, {prediction}: {', '.join(written(task, *score) for score in scores.items())}")


def written(task: str, metric: str, value: float) -> str:
    """A score with its name and unit."""
    name, unit, digits, _ = notation(task, metric)
    return f"{name} {value:.{digits}f} {unit}".strip()


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
