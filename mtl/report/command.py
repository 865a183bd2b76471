"""From the words of a command line to a report's name, and to the command that trains a missing run."""

from collections.abc import Mapping, Sequence
from typing import Any

PLAIN = {"model": "vanilla", "weighter": "uniform"}  # what makes a single-task network the baseline
CHOSEN_BY_BASELINE = ("subset", "seed", *PLAIN)


def report_name(overrides: Sequence[str], config: Mapping[str, Any]) -> str:
    """Name of the report's files: the experiment, or dataset and backbone where none is given."""
    words = dict(word.split("=", 1) for word in overrides if "=" in word)
    return words.get("experiment", f"{config['dataset']['name']}_{config['backbone']['name']}")


def training_command(overrides: Sequence[str], tasks: Sequence[str], seed: int, config: Mapping[str, Any]) -> str:
    """The command that trains the single-task networks of these tasks.

    Args:
        overrides: Words that select the dataset, the backbone and the recipe.
        tasks: Task names, one network each.
        seed: Seed of the runs.
        config: Resolved config of a run that the networks shall be comparable with.
    """
    keys = {word: word.lstrip("+~").split("=")[0] for word in overrides}
    given = keys.values()
    kept = [word for word, key in keys.items() if key.split(".")[0] not in CHOSEN_BY_BASELINE]
    # An experiment may choose model and weighter, and a model brings its backbone along.
    kept += [f"{group}={name}" for group, name in PLAIN.items() if group not in given and config[group]["name"] != name]
    if "backbone" not in given and ("model" in given or config["model"]["name"] != PLAIN["model"]):
        kept.append(f"backbone={config['backbone']['name']}")
    sweep = ["-m"] * (len(tasks) > 1)
    return " ".join(["python train.py", *sweep, *kept, f"subset={','.join(tasks)}", f"seed={seed}"])
