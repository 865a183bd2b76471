from itertools import combinations

import pandas as pd

from mtl.report.numbers.gains import with_gains
from mtl.report.read.curves import COLUMNS as CURVES
from mtl.report.read.scores import COLUMNS

METHODS = ("Uniform", "Grid Search", "CAGrad", "NashMTL", "AvgNorm")
TASKS = {"NYUD-v2": ("semseg", "depth", "normals", "edge"), "rooms": ("semseg", "depth")}
TASKS["PASCAL-Context"] = ("semseg", "human_parts", "normals", "saliency", "edge")
HIGHER = {"semseg": True, "human_parts": True, "depth": False, "normals": False, "saliency": True, "edge": True}


def curve_lines(dataset, method, tasks, *, seed=0, steps=(10, 20), backbone="ResNet-18", **changes):
    """Curves of a run: (t + 1) * (s + 1) * w for task t, seed s, window w; half the difference for a pair."""
    own = {"dataset": dataset, "backbone": backbone, "architecture": "Vanilla", "initialization": "", "operation": ""}
    own |= {"method": method, "variant": "", "seed": seed, "count": 10} | changes
    own["source"] = f"{dataset}_{backbone}_{method}_{len(tasks)}_{tasks[0]}_{steps[-1]}_{own['variant']}/seed{seed}"
    lines = []
    for window, step in enumerate(steps, 1):
        values = {task: (place + 1) * (seed + 1) * window for place, task in enumerate(tasks)}
        keyed = {
            f"{kind}/{task}": value
            for kind in ("gradient/norm", "gradient/weighted_norm", "gradient/alignment", "feature/distance")
            for task, value in values.items()
        }
        for one, other in combinations(tasks, 2):
            keyed[f"gradient/cosine/{one}-{other}"] = (values[one] - values[other]) / 2
            keyed[f"gradient/dot/{one}-{other}"] = (values[one] - values[other]) / 2
        lines += [own | {"key": key, "value": value, "step": step} for key, value in keyed.items()]
    return lines


def curves_frame(*runs):
    return pd.DataFrame([line for run in runs for line in run], columns=CURVES)


def result_lines(setting, method, values, *, seed=0, variant=""):
    """Scores of a network, from task -> value."""
    own = dict(zip(("dataset", "backbone", "architecture", "initialization", "operation"), setting, strict=True))
    own |= {"method": method, "variant": variant, "seed": seed, "table": "", "metric": "any"}
    source = f"{'_'.join(setting)}_{method}_{len(values)}_{variant}/seed{seed}"
    return [
        own | {"task": task, "value": value, "higher_is_better": HIGHER[task], "source": source}
        for task, value in values.items()
    ]


def results_frame(*networks):
    return with_gains(pd.DataFrame([line for network in networks for line in network], columns=COLUMNS))
