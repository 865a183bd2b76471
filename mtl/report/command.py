"""From the words of a command line to a report's name, and to the command that trains a missing run."""

from collections.abc import Mapping, Sequence
from typing import Any

CHOSEN_BY_BASELINE = ("subset", "seed", "model", "weighter")  # the plain single-task network has its own


def report_name(overrides: Sequence[str], config: Mapping[str, Any]) -> str:
    """Name of the report's files: the experiment, or dataset and backbone where none is given."""
    words = dict(word.split("=", 1) for word in overrides if "=" in word)
    return words.get("experiment", f"{config['dataset']['name']}_{config['backbone']['name']}")


def training_command(overrides: Sequence[str], tasks: Sequence[str], seed: int) -> str:
    """The command that trains the single-task networks of these tasks.

    Args:
        overrides: Words that select the dataset, the backbone and the recipe.
        tasks: Task names, one network each.
        seed: Seed of the runs.
    """
    kept = [word for word in overrides if word.split("=")[0].split(".")[0] not in CHOSEN_BY_BASELINE]
    sweep = ["-m"] * (len(tasks) > 1)
    return " ".join(["python train.py", *sweep, *kept, f"subset={','.join(tasks)}", f"seed={seed}"])
