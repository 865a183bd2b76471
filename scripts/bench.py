"""Cost of a training step with the gradient engine, relative to plain training with uniform weights: `make bench`.

Expected ratios with DeepLab heads:

- `features`: at most 1.01 of the operations and 1.10 of the time and memory
- `last_layer`: at most 1.12 of the operations and 1.20 of the time (`naive`: 1.31)
- `shared`: exactly T = 4 passes over the encoder

`plain again` shows the noise: how much two measurements of the same step differ.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from tabulate import tabulate

from mtl import build, cli
from mtl.bench import cost, steps
from mtl.files import write_whole
from mtl.run.device import choose_device
from mtl.run.record import environment

SUMMARY = Path(__file__).parents[1] / "results/summary/bench.csv"
OWN = {"rounds": (15, "measurements of each step"), "device": ("auto", "auto, cpu, cuda or cuda:1")}
SETTING = ("dataset=rooms", "backbone=resnet18", "model=vanilla", "dataset.num_classes.semseg=40")
HEADS = {
    "DeepLab": (),
    "1x1": (
        "backbone.head._target_=mtl.bench.steps.PointHead",
        *("~backbone.head.channels", "~backbone.head.dilations", "~backbone.head.dropout"),
    ),
}
SHOWN = ["row", "gflop_ratio", "encoder_passes", "time_ratio", "time_q1", "time_q3", "mib_ratio", "seconds", "mib"]
KEY = ["device", "batch", "height", "width", "heads", "row"]  # a new measurement replaces the row with the same key

Size = tuple[int, int, int]  # batch, height, width


def workload(heads: str, size: Size, device: torch.device, words: Sequence[str] = ()) -> steps.Workload:
    """A network with these heads, changed by the words, and a batch of noise."""
    cfg = build.compose([*SETTING, *HEADS[heads], *words])
    tasks = build.build_tasks(cfg)
    batch, height, width = size
    noise = torch.randn(batch, 3, height, width)
    data = {
        "image": noise,
        "semseg": torch.randint(40, (batch, 1, height, width), dtype=torch.uint8),
        "depth": noise[:, :1].abs() + 1,
        "normals": F.normalize(noise, dim=1),
        "edge": (noise[:, :1] > 1).byte(),
    }
    return steps.Workload(build.build_model(cfg, tasks), tasks, data, device)


def engine(words: tuple[str, ...], device: torch.device) -> "partial[None]":
    """A step of the engine with the weighter and the scope that the words of train.py choose."""
    cfg = build.compose([*SETTING, *words])
    weighter = build.build_weighter(cfg, build.build_tasks(cfg)).to(device)
    return partial(steps.one_pass, weighter=weighter, **build.applied(cfg))


def naive(device: torch.device) -> steps.Step:
    """A straightforward step without the engine."""
    return partial(steps.naive, weighter=engine(("weighter=avgnorm",), device).keywords["weighter"])


ROWS: dict[str, Callable[[torch.device], steps.Step]] = {
    "plain": lambda _: steps.plain,
    "plain again": lambda _: steps.plain,
    "features": partial(engine, ("weighter=avgnorm", "weighter.scope=features")),
    "last_layer": partial(engine, ("weighter=avgnorm", "weighter.scope=last_layer")),
    "shared": partial(engine, ("weighter=avgnorm", "weighter.scope=shared")),
    "naive": naive,
}


def memory(heads: str, size: Size, device: torch.device, row: str) -> float:
    """Peak memory of a row's step, in MiB."""
    return cost.memory(workload(heads, size, device), ROWS[row](device))


def measure(heads: str, size: Size, device: torch.device, rounds: int) -> pd.DataFrame:
    """One line per row: its absolute numbers, then ratios to `plain`."""
    work = workload(heads, size, device)
    rows = {row: make(device) for row, make in ROWS.items()}
    operations, passes = zip(*[cost.operations(work, step) for step in rows.values()], strict=True)
    times = cost.seconds(work, list(rows.values()), rounds)
    call = memory if device.type == "cuda" else partial(cost.in_new_process, memory)
    table = pd.DataFrame({"heads": heads, "row": list(rows), "gflop": operations, "encoder_passes": passes})
    table["gflop"] /= 1e9
    table["seconds"] = [statistics.median(row) for row in times]
    table["mib"] = [call(heads, size, device, row) for row in rows]
    table["gflop_ratio"] = table["gflop"] / table["gflop"][0]
    table[["time_q1", "time_ratio", "time_q3"]] = [cost.ratio_to(times[0], row) for row in times]
    table["mib_ratio"] = table["mib"] / table["mib"][0]
    return table


def save(table: pd.DataFrame, summary: Path, key: Sequence[str] = KEY) -> None:
    """Adds the rows to the file, replacing those with the same key."""
    if summary.exists():
        try:
            earlier = pd.read_csv(summary)
        except ValueError as error:
            raise ValueError(f"{summary} is damaged ({error}): put it back, or move it away") from error
        whole = pd.concat([earlier, table]).fillna(dict.fromkeys(key, ""))
        table = whole.drop_duplicates(key, keep="last")
    write_whole(summary, table.to_csv(index=False, float_format="%.4g", lineterminator="\n"))


def main(own: Mapping[str, Any]) -> None:
    """Measures all rows with both kinds of heads."""
    torch.set_num_threads(1)
    device = choose_device(own["device"])
    size = (6, 448, 576) if device.type == "cuda" else (4, 128, 128)
    about = environment(device)
    where = {"device": about["device"], "torch": about["packages"]["torch"], "commit": about["commit"]}
    where |= dict(zip(("batch", "height", "width"), size, strict=True)) | {"rounds": own["rounds"]}
    for heads in HEADS:
        table = measure(heads, size, device, own["rounds"])
        print(f"\n{heads} heads, batch {size[0]} at {size[1]} x {size[2]}, {about['device']}")
        print(tabulate(table[SHOWN].to_dict("list"), headers="keys", showindex=False, floatfmt=".3f"), flush=True)
        save(table.assign(**where), SUMMARY)


if __name__ == "__main__":
    cli.run(main, __doc__, OWN)
