"""Cost of a training step with each weighter at each scope, and of the same step with TorchJD: `make bench`.

    python scripts/bench_weighters.py rounds=7 only=cagrad,nashmtl backbone=resnet50

Ratios are relative to a plain step with uniform weights in the same round. The second `plain` row shows the noise: how
much two measurements of the same step differ. `weighter_ms` is the time of the weighter alone. At scope `shared`,
expect at most the time that TorchJD takes for the same method, and at most 0.8 of its memory.
"""

import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import bench
import pandas as pd
import torch
from omegaconf import DictConfig
from tabulate import tabulate

from mtl import Needs, build, cli
from mtl.bench import cost, steps
from mtl.run.device import choose_device
from mtl.run.record import environment

SUMMARY = bench.SUMMARY.with_name("bench_weighters.csv")
OWN = {
    "rounds": (7, "measurements of each step"),
    "device": ("auto", "auto, cpu, cuda or cuda:1"),
    "only": ("", "weighters to measure, such as cagrad,nashmtl; all of them without it"),
}
TORCHJD = {  # their names of the methods that both have, with the hyper-parameters of our YAML
    "mgda": ("MGDA", {}),
    "pcgrad": ("PCGrad", {}),
    "cagrad": ("CAGrad", {"c": 0.4}),
    "graddrop": ("GradDrop", {}),
    "nashmtl": ("NashMTL", {"n_tasks": 4}),
    "fairgrad": ("FairGrad", {"alpha": 2.0}),
    "imtl_g": ("IMTLG", {}),
    "gradvac": ("GradVac", {"beta": 0.5}),
    "aligned_mtl": ("AlignedMTL", {}),
}
# A loss with teachers, an adapter, a step of several batches, and rotations, which are part of the network.
LEFT_OUT = ("url", "torchjd", "auto_lambda", "rotograd")
KEY = ["device", "batch", "height", "width", "network", "by", "method", "scope"]
Words = tuple[str, ...]  # of train.py's command line: another network


class Row(NamedTuple):
    """What to measure: `by` is plain, mtl or TorchJD."""

    by: str
    method: str
    scope: str


def rows(only: str) -> list[Row]:
    """Each weighter of the configs, or those named, at each scope that it can be applied at."""
    found = [Row("plain", "uniform", ""), Row("plain", "uniform again", "")]
    for path in sorted((build.CONFIGS / "weighter").glob("*.yaml")):
        name = path.stem
        if name in LEFT_OUT or (only and name not in only.split(",")):
            continue
        weighter = build.build_weighter(cfg := config(name), build.build_tasks(cfg))
        scopes = [""] if weighter.needs is Needs.LOSSES else [scope.value for scope in weighter.scopes]
        found += [Row("mtl", name, scope) for scope in scopes]
        if name in TORCHJD:
            found.append(Row("TorchJD", name, "shared"))
    return found


def config(name: str) -> DictConfig:
    """The composed config of a weighter."""
    return build.compose([*bench.SETTING, f"weighter={name}"])


def step(row: Row, device: torch.device, words: Words = ()) -> steps.Step:
    """The training step of a row, with the network that the words choose."""
    if row.by == "plain":
        return steps.plain
    if row.by == "mtl":
        chosen = (f"weighter={row.method}", *([f"weighter.scope={row.scope}"] if row.scope else []))
        return bench.engine(chosen, device)
    from torchjd import aggregation  # noqa: PLC0415  an extra

    name, options = TORCHJD[row.method]
    vanilla = build.compose([*bench.SETTING, *words]).model.name == "vanilla"
    theirs = steps.torchjd if vanilla else steps.torchjd_general
    return partial(theirs, aggregator=getattr(aggregation, name)(**options))


def memory(size: bench.Size, device: torch.device, words: Words, row: Row) -> float:
    """Peak memory of a row's step, in MiB."""
    return cost.memory(bench.workload("DeepLab", size, device, words), step(row, device, words))


def weighter_milliseconds(work: steps.Workload, row: Row, taken: steps.Step, repeats: int = 20) -> float:
    """Median time of the weighter alone, on the gradients of a step."""
    if row.by != "mtl":
        return float("nan")
    weighter, seen, spent = cast("partial[None]", taken).keywords["weighter"], [], []
    handle = weighter.register_forward_pre_hook(lambda _, arguments: seen.append(arguments))
    taken(work)
    handle.remove()
    for _ in range(repeats):
        work.clear()
        weighter.observe(torch.full_like(seen[0][0], 0.5))  # KPIs, for those that need them
        start = time.perf_counter()
        weighter(*seen[0])
        work.wait()
        spent.append(1e3 * (time.perf_counter() - start))
    return statistics.median(spent)


def measure(chosen: list[Row], size: bench.Size, device: torch.device, rounds: int, words: Words = ()) -> pd.DataFrame:
    """One line per row: absolute numbers, then ratios to the first row."""
    work = bench.workload("DeepLab", size, device, words)
    taken = [step(row, device, words) for row in chosen]
    table = pd.DataFrame(chosen)
    table[["gflop", "encoder_passes"]] = [cost.operations(work, one) for one in taken]
    table["gflop"] /= 1e9
    weighters = [weighter_milliseconds(work, *pair) for pair in zip(chosen, taken, strict=True)]
    times = cost.seconds(work, taken, rounds)
    table["seconds"] = [statistics.median(row) for row in times]
    table["weighter_ms"] = weighters
    call = memory if device.type == "cuda" else partial(cost.in_new_process, memory)
    table["mib"] = [call(size, device, words, row) for row in chosen]
    table["gflop_ratio"] = table["gflop"] / table["gflop"][0]
    table[["time_q1", "time_ratio", "time_q3"]] = [cost.ratio_to(times[0], row) for row in times]
    table["mib_ratio"] = table["mib"] / table["mib"][0]
    return table


def main(own: Mapping[str, Any], words: Sequence[str]) -> None:
    """Measures all rows in one interleaved run, with the network that the words of train.py choose."""
    warnings.filterwarnings("ignore", module="cvxpy|torchjd")
    torch.set_num_threads(1)
    device = choose_device(own["device"])
    size = (6, 448, 576) if device.type == "cuda" else (4, 128, 128)
    chosen, words = rows(own["only"]), tuple(words)
    table = measure(chosen, size, device, own["rounds"], words)
    print(tabulate(table.to_dict("list"), headers="keys", showindex=False, floatfmt=".3f"))
    about = environment(device)
    where = {"device": about["device"], "torch": about["packages"]["torch"], "commit": about["commit"]}
    cfg = build.compose([*bench.SETTING, *words])
    where["network"] = f"{cfg.model.name} {cfg.backbone.name}"
    where |= dict(zip(("batch", "height", "width"), size, strict=True)) | {"rounds": own["rounds"]}
    bench.save(table.assign(**where), SUMMARY, KEY)


if __name__ == "__main__":
    cli.run(main, __doc__, OWN, others=True)
