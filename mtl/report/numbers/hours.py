"""Estimates how long runs take from what their network costs on a device."""

import hashlib
import heapq
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from statistics import median
from typing import Any

from mtl.report.read.record import number
from mtl.report.read.runs import Run

# Keys of a recipe that do not change what a step or the evaluation of an image costs.
FREE = ("name", "optimizer", "power", "schedule", "clip", "on_nonfinite", "steps", "evaluate")


@dataclass(frozen=True)
class Cost:
    """What a network costs on a device.

    Args:
        step: Seconds per training step, waiting for data included.
        image: Seconds per evaluated image, scoring included.
        start: Seconds of the start of a run.
        save: Seconds per evaluation for checkpoints and logs.
        launch: Seconds in which a process that trains starts.
        epoch: Steps per epoch.
        val: Images per evaluation.
        test: Images of the test split, which is scored twice; 0: none.
        parameters: Number of parameters.
        memory_mib: Peak memory in MiB, as in the record of a run.
    """

    step: float
    image: float
    start: float
    save: float
    launch: float
    epoch: float
    val: float
    test: float
    parameters: float
    memory_mib: float

    def seconds(self, config: Mapping[str, Any]) -> float:
        """Estimated seconds of a run with this config."""
        steps, evaluations = lengths(config, self.epoch)
        images = evaluations * self.val + 2 * self.test
        return self.start + steps * self.step + evaluations * self.save + images * self.image


FIELDS = tuple(field.name for field in fields(Cost))


def lengths(config: Mapping[str, Any], epoch: float) -> tuple[int, int]:
    """Number of optimiser steps and of evaluations.

    Args:
        config: Resolved config of a run.
        epoch: Its steps per epoch.
    """
    recipe = config["recipe"]
    steps = recipe["steps"] or int(config["dataset"]["epochs"] * epoch)
    every = {"epoch": epoch, "end": steps}.get(recipe["evaluate"], recipe["evaluate"])
    return steps, math.ceil(steps / every)


def cost_of(run: Run) -> Cost | None:
    """What the network of a finished run has cost; None if its record does not tell."""
    try:
        return _cost(run)
    except (KeyError, TypeError):  # records of earlier versions
        return None


def _cost(run: Run) -> Cost:
    record, images = run.record, {split: about["images"] for split, about in run.record.get("data", {}).items()}
    seconds, test = record["seconds"], images.get("test", 0)
    epoch = images["train"] // run.config["recipe"]["batch_size"]
    steps, evaluations = lengths(run.config, epoch)
    return Cost(
        step=(seconds["training"] + seconds["data"]) / steps,
        image=(seconds["evaluation"] + seconds["scoring"]) / (evaluations * images["val"] + 2 * test),
        start=seconds["other"],
        save=0.0,  # part of `other`
        launch=0.0,  # before the run
        epoch=epoch,
        val=images["val"],
        test=test,
        parameters=record["parameters"],
        memory_mib=number(record["peak_memory_mib"]),
    )


def read_cost(content: Mapping[str, Any]) -> Cost:
    """The cost in a JSON file, in which NaN is null."""
    return Cost(*(number(content[name]) for name in FIELDS))


def median_costs(runs: Iterable[Run], device: str, processes: int) -> dict[str, Cost]:
    """Median cost of the finished runs of each network, by `network_key`.

    Args:
        runs: Finished runs.
        device: Name of the device as in run records; runs on others are left out.
        processes: Processes of a run; likewise.
    """
    found = defaultdict(list)
    for run in runs:
        here = run.record["environment"]["device"] == device and run.record.get("processes", 1) == processes
        if here and (cost := cost_of(run)):
            found[network_key(run.config)].append(cost)
    return {
        key: Cost(*(median(values) for values in zip(*map(astuple, costs), strict=True)))
        for key, costs in found.items()
    }


def network_key(config: Mapping[str, Any]) -> str:
    """A hash of the part of a config that decides what a step and the evaluation of an image cost.

    Numbers of the weighter, initial weights and the length of the training are left out.
    """
    recipe = {key: value for key, value in config["recipe"].items() if key not in FREE}
    dataset = {key: value for key, value in config["dataset"].items() if key not in ("epochs", "operations")}
    if config["recipe"]["steps"] is None or config["recipe"]["evaluate"] == "epoch":
        dataset["operations"] = config["dataset"].get("operations", {})  # fewer images make an epoch shorter
    backbone = {key: value for key, value in config["backbone"].items() if key != "name"}
    backbone["encoder"] = {
        key: value for key, value in backbone.get("encoder", {}).items() if key not in ("pretrained", "checkpoint")
    }
    weighter = without_numbers({key: value for key, value in config["weighter"].items() if key != "name"})
    known = {"recipe": recipe, "dataset": dataset, "backbone": backbone, "weighter": weighter}
    known |= {"model": config["model"], "subset": config["subset"]}
    return hashlib.sha256(json.dumps(known, sort_keys=True, allow_nan=False).encode()).hexdigest()


def without_numbers(node: Any) -> Any:
    """A part of a config in which every number is 0."""
    if isinstance(node, Mapping):
        return {key: without_numbers(value) for key, value in node.items()}
    return 0 if isinstance(node, int | float) and not isinstance(node, bool) else node


def duration(seconds: Sequence[float], at_a_time: int) -> float:
    """Seconds until jobs have ended that are started in this order, each as soon as one of `at_a_time` places is free.

    Args:
        seconds: Duration of every job.
        at_a_time: Number of places.
    """
    places = [0.0] * at_a_time
    for job in seconds:
        heapq.heapreplace(places, places[0] + job)
    return max(places)
