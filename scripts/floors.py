"""Scores of predictions without learning, to hold the scores of networks against: `python scripts/floors.py`.

Words of train.py choose the dataset and its protocol. For every task the best constant; for edges also noise, Sobel
filters, and the truth blurred by a pixel, which says what an accurate network could reach.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mtl import build, cli
from mtl.cli.floors import floors
from mtl.cli.prepare import check_split
from mtl.files import write_json
from mtl.report.names import notation

OWN = {
    "split": ("val", "val or test"),
    "out": ("", "JSON file to write them to as well"),
}


def main(own: Mapping[str, str], words: Sequence[str]) -> None:
    """Prints the scores, one line per task and prediction."""
    cfg = build.compose(words)
    check_split(cfg, own["split"])
    found = floors(cfg, own["split"])
    for task, predictions in found.items():
        for name, scores in predictions.items():
            print(f"{task}, {name}: {', '.join(written(task, *score) for score in scores.items())}")
    if own["out"]:
        write_json(Path(own["out"]), {"data": build.data_key(cfg), "split": own["split"], "floors": found}, indent=1)


def written(task: str, metric: str, value: float) -> str:
    """A score with its name and unit."""
    name, unit, digits, _ = notation(task, metric)
    return f"{name} {value:.{digits}f} {unit}".strip()


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
