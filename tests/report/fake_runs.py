import json

import pandas as pd

from mtl.report.names import Setting
from mtl.report.read.runs import Run
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


def run_maker(root):
    """Function that writes a finished run into root / "runs" and returns it."""

    def make(
        weighter, scores, *, seed=0, seconds=0.1, config=None, last=None, device="cpu (x86_64)", digest=None, **more
    ):
        config = config or config_of(weighter, list(scores))
        primaries = {task: {METRICS[task]["primary"]: value} for task, value in scores.items()}
        finals = {task: {METRICS[task]["primary"]: value} for task, value in (last or scores).items()}
        record = {
            "config": config,
            "seed": seed,
            "metrics": {task: dict(METRICS[task]) for task in scores},
            "best": {"step": 10, "scores": primaries},
            "last": {"step": 20, "scores": finals},
            "mean_weights": dict.fromkeys(scores, 1.0),
            "steps": 20,
            "parameters": 1234,
            "peak_memory_mib": 100.0 * len(scores),
            "step_seconds": 10 * seconds,
            "step_cpu_seconds": seconds,
            "gradient_statistics": {"scope": "last_layer", "every": 10},
            "command": f"python train.py weighter={weighter} subset=[{','.join(scores)}] seed={seed}",
            "environment": {"device": device, "threads": 1, "commit": "0123456789abcdef"},
        } | more
        names = [*(config[group]["name"] for group in ("dataset", "backbone", "model")), weighter, "-".join(scores)]
        folder = root / "runs" / f"{'_'.join(names)}-{digest or f'{len(scores):08x}'}" / f"seed{seed}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(record))
        curves_of(list(scores)).to_csv(folder / "gradients.csv", index=False)
        return Run(folder, record)

    return make


def make_two_seeds(make_run):
    """Single-task networks, Uniform, Grid Search and AvgNorm at two seeds, with easy numbers."""
    numbers = {  # semseg mIoU and depth RMSE at seeds 0 and 1
        "single": [(40, 0.5), (50, 0.4)],
        "uniform": [(38, 0.45), (45, 0.42)],  # gains -5, +10 and -10, -5
        "grid_search": [(43, 0.46), (51, 0.44)],
        "avgnorm": [(42, 0.40), (50, 0.36)],  # gains +5, +20 and 0, +10
    }
    runs = []
    for name, values in numbers.items():
        for seed, (semseg, depth) in enumerate(values):
            if name == "single":
                runs.append(make_run("uniform", {"semseg": semseg}, seed=seed, seconds=0.05))
                runs.append(make_run("uniform", {"depth": depth}, seed=seed, seconds=0.04))
            else:
                seconds = 0.12 if name == "avgnorm" else 0.1
                runs.append(make_run(name, {"semseg": semseg, "depth": depth}, seed=seed, seconds=seconds))
    return runs


PLAIN = Setting("rooms", "tiny", "Vanilla")


def lines_of(method, scores, *, setting=PLAIN, variant="", seed=0, last=None, weights=None, **more):
    """Score lines of a multi-task network, or of the single-task network of each task."""
    own = setting._asdict() | {"method": method, "variant": variant, "seed": seed, "table": ""}
    own |= {"seconds": 0.1, "memory": 100.0, "passes": 1, "device": "cpu", "feature_distance": False}
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
