import json

import pytest
from fake_runs import METRICS, config_of, curves_of

from mtl.report.read.runs import Run


@pytest.fixture
def make_run(tmp_path):
    """Writes a finished run into tmp_path / "runs" and returns it; keywords set other entries of the record."""

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
        folder = tmp_path / "runs" / f"{'_'.join(names)}-{digest or f'{len(scores):08x}'}" / f"seed{seed}"
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps(record))
        curves_of(list(scores)).to_csv(folder / "gradients.csv", index=False)
        return Run(folder, record)

    return make


@pytest.fixture
def two_seeds(make_run):
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
