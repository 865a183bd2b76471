import pandas as pd

from mtl.report.names import Setting
from mtl.report.read.scores import COLUMNS

METRICS = {
    "semseg": {"primary": "miou", "higher_is_better": True, "preset": None},
    "depth": {"primary": "rmse", "higher_is_better": False, "preset": None},
    "normals": {"primary": "mean_angular_error", "higher_is_better": False, "preset": "marked"},
    "saliency": {"primary": "max_f", "higher_is_better": True, "preset": "plain"},
    "edge": {"primary": "ods_f", "higher_is_better": True, "preset": "rooms"},
}


def config_of(weighter, tasks):
    return {
        "dataset": {"name": "rooms"},
        "backbone": {"name": "tiny"},
        "recipe": {"steps": 20, "batch_size": 8},
        "model": {"name": "vanilla", "network": {"_target_": "mtl.models.Vanilla"}},
        "weighter": {"name": weighter, "method": {"_target_": f"mtl.weighters.{weighter}"}},
        "subset": tasks,
    }


def curves_of(tasks):
    rows = [
        {"step": step}
        | {f"gradient/norm/{task}": 10.0**-place for place, task in enumerate(tasks)}
        | {f"gradient/weighted_norm/{task}": 2.0 for task in tasks}
        | {f"weight/{task}": 2 * 10.0**place for place, task in enumerate(tasks)}
        for step in (1, 11, 21)
    ]
    return pd.DataFrame(rows)


PLAIN = Setting("rooms", "tiny", "Vanilla")


def lines_of(method, scores, *, setting=PLAIN, variant="", seed=0, last=None, weights=None, **more):
    """Score lines of a multi-task network, or of the single-task network of each task."""
    own = setting._asdict() | {"method": method, "variant": variant, "seed": seed, "table": ""}
    own |= {"seconds": 0.1, "memory": 100.0, "passes": 1, "device": "cpu"}
    return [
        own
        | {"task": task, "value": value, "last": (last or scores)[task], "weight": (weights or {}).get(task, 1.0)}
        | {"metric": METRICS[task]["primary"], "higher_is_better": METRICS[task]["higher_is_better"]}
        | {"source": "_".join([*setting, method, variant, task * (method == "Single-task"), str(seed)])}
        | more
        for task, value in scores.items()
    ]


def results_of(*networks):
    """Frame of scores from lines of networks."""
    return pd.DataFrame([line for network in networks for line in network], columns=COLUMNS)
