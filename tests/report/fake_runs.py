import pandas as pd

METRICS = {
    "semseg": {"primary": "miou", "higher_is_better": True, "preset": None},
    "depth": {"primary": "rmse", "higher_is_better": False, "preset": None},
    "normals": {"primary": "mean_angular_error", "higher_is_better": False, "preset": None},
    "edge": {"primary": "ods_f", "higher_is_better": True, "preset": "rooms"},
}


def config_of(weighter, tasks):
    return {
        "dataset": {"name": "rooms"},
        "backbone": {"name": "tiny"},
        "recipe": {"steps": 20},
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
