"""Where tasks should part in `model=branched`, from trained single-task networks.

    python scripts/branch_tree.py dataset=nyud budget=2

Compares how the networks of the tasks represent the same images behind each stage of a ResNet, tries all trees, and
prints those with the least distance inside groups for their parameters, and the command that trains the best within
the budget. Words of train.py choose the networks: dataset, backbone, recipe, tasks and seed.
"""

import shlex
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from mtl import build, cli
from mtl.cli.branch_tree import search
from mtl.places import as_called

OWN = {
    "budget": ("2", "parameters of the encoder's stages, at most so many times those of a shared encoder"),
    "images": (50, "training images to compare"),
}


def main(own: Mapping[str, str | int], words: Sequence[str]) -> None:
    """Prints the distances, the trees and the command.

    Raises:
        ValueError: A word is wrong, or a single-task network is missing.
    """
    budget, cfg = factor(str(own["budget"])), build.compose(words)
    apart, trees, shared = search(cfg, words, int(own["images"]))
    names = build.subset(cfg)
    for stage, matrix in apart.items():
        lines = [[name, *row] for name, row in zip(names, matrix, strict=True)]
        print(tabulate(lines, [stage, *names], floatfmt=".3f"), end="\n\n")
    rows = [[tree.parameters / 1e6, tree.parameters / shared, tree.cost, tree.word] for tree in trees]
    print(tabulate(rows, ["parameters, M", "times", "cost", "tree"], floatfmt=(".2f", ".2f", ".3f")))
    best = [tree for tree in trees if tree.parameters <= budget * shared][-1]
    kept = [word for word in words if not word.startswith("model")]
    print("\n" + shlex.join([*as_called("python train.py").split(), *kept, "model=branched", best.word]))


def factor(text: str) -> float:
    """The budget as a number.

    Raises:
        ValueError: It is none, or below 1.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value >= 1:
        raise ValueError(f"budget={text}: use a number of 1 or more, times the parameters of a shared encoder")
    return value


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
