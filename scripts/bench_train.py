"""Speed of training with each architecture, in each form, with Uniform and AvgNorm: `make bench-train`.

    python scripts/bench_train.py steps=10 only=vanilla,invpt

Images per second and peak memory of whole runs on rooms at 448x576, and how the time of a step divides among the phases
that `mtl.bench.phases.Phases` describes. On the CPU the same runs are made with small networks on small images; they
show that the measurement works, and nothing about a GPU.
"""

import gc
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import bench
import pandas as pd
import torch
from tabulate import tabulate

from mtl import build, cli
from mtl.bench import cost, phases
from mtl.run.device import choose_device
from mtl.run.record import environment

SUMMARY = bench.SUMMARY.with_name("bench_train.csv")
OWN = {
    "steps": (20, "steps to measure, after half as many that are not; then half as many by phase"),
    "device": ("auto", "auto, cpu, cuda or cuda:1"),
    "only": ("", "architectures to measure, such as vanilla,mtan; all of them without it"),
}
ARCHITECTURES = {"vanilla": "resnet18", "mtan": "resnet18", "mti_net": "hrnet18", "invpt": "vit_base"}
ARCHITECTURES |= {"pad_net": "hrnet18", "atrc": "hrnet18", "cross_stitch": "resnet18", "nddr": "resnet18"}
ARCHITECTURES |= {"branched": "resnet18", "taskprompter": "vit_tiny"}
SMALL = {"vanilla": "resnet_tiny", "mtan": "resnet_narrow", "mti_net": "hrnet18", "invpt": "vit_tiny"}  # on the CPU
SMALL |= {"pad_net": "hrnet18", "atrc": "hrnet18", "cross_stitch": "resnet_narrow", "nddr": "resnet_narrow"}
SMALL |= {"branched": "resnet_narrow", "taskprompter": "vit_tiny"}
NEEDED = {
    ("cross_stitch", ""): ("model.init=pretrained",),  # no single-task networks are trained here
    ("nddr", ""): ("model.init=pretrained",),
    ("cross_stitch", "avgnorm"): ("weighter.scope=shared",),  # there is no shared encoder
    ("nddr", "avgnorm"): ("weighter.scope=shared",),
    ("taskprompter", "cpu"): ("model.network.windows=2",),  # small images
}
FORMS = {
    "float32": ("recipe.precision=float32",),
    "tf32": ("recipe.precision=tf32",),
    "bfloat16": ("recipe.precision=bfloat16",),
    "bfloat16 compiled": ("recipe.precision=bfloat16", "recipe.compile=true"),
}
ON_CPU = ("float32", "bfloat16")
SIZES = {
    "cuda": ("dataset.height=448", "dataset.width=576", "dataset.train.scenes=12"),
    "cpu": ("dataset.height=64", "dataset.width=96", "dataset.train.scenes=4", "recipe.batch_size=2", "workers=0"),
}
COMMON = ("dataset.val.scenes=1", "dataset.val.scans=1", "recipe.evaluate=end", "logging.gradient_statistics.every=0")
KEY = ["device", "architecture", "backbone", "form", "weighter", "batch", "height", "width"]


class Row(NamedTuple):
    """What to measure."""

    architecture: str
    backbone: str
    form: str
    weighter: str


def rows(only: str, device: torch.device) -> Iterator[Row]:
    """Every architecture, or those named, in every form with both weighters.

    Raises:
        ValueError: A name is unknown.
    """
    backbones = SMALL if device.type == "cpu" else ARCHITECTURES
    names = only.split(",") if only else list(backbones)
    if unknown := [name for name in names if name not in backbones]:
        raise ValueError(f"only={only}: there is no {unknown[0]}, only {', '.join(backbones)}")
    for name in names:
        for form in ON_CPU if device.type == "cpu" else FORMS:
            for weighter in ("uniform", "avgnorm"):
                yield Row(name, backbones[name], form, weighter)


def measure(row: Row, device: torch.device, steps: int, data: str) -> dict[str, Any]:
    """One run: its setting, its speed and the share of each phase."""
    others = max(steps // 2, 1)
    choices = {"model": row.architecture, "backbone": row.backbone, "weighter": row.weighter, "data": data}
    choices |= {"device": device, "recipe.steps": steps + 2 * others}
    words = [f"{key}={value}" for key, value in choices.items()]
    for other in ("", row.weighter, device.type):
        words += NEEDED.get((row.architecture, other), ())
    cfg = build.settle(build.compose([*words, *FORMS[row.form], *SIZES[device.type], *COMMON]))
    cfg.logger = {}
    with tempfile.TemporaryDirectory() as folder:
        trainer = build.build_trainer(cfg, Path(folder))
        found = phases.measure(trainer, others, steps)
    setting = {"batch": cfg.recipe.batch_size, "height": cfg.dataset.height, "width": cfg.dataset.width}
    return row._asdict() | setting | {"workers": cfg.workers, "steps": steps} | found


def main(own: Mapping[str, Any]) -> None:
    """Measures all rows; each is saved as soon as it is done."""
    device = choose_device(own["device"])
    about = environment(device)
    where = {"device": about["device"], "torch": about["packages"]["torch"], "commit": about["commit"]}
    call = measure if device.type == "cuda" else partial(cost.in_new_process, measure)
    lines = []
    with tempfile.TemporaryDirectory() as data:
        for row in rows(own["only"], device):
            lines.append(call(row, device, own["steps"], data) | where)
            bench.save(pd.DataFrame(lines[-1:]), SUMMARY, KEY)
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()  # the next row must not find this one's memory
    shown = pd.DataFrame(lines).drop(columns=["device", "torch", "commit", "height", "width", "steps"])
    shown.columns = [column.replace("_share", " share") for column in shown.columns]
    print(f"\n{about['device']}")
    print(tabulate(shown.to_dict("list"), headers="keys", showindex=False, floatfmt=".3g"))


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
