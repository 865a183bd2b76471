"""Synthetic evidence: every single-task network scores 100, so a score of 103 is a gain of +3."""

from typing import NamedTuple

import pandas as pd

from mtl.report.claims import registry
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.settings import NYUD, ROWS, SINGLE
from mtl.report.names import SETTING
from mtl.report.read.curves import COLUMNS as CURVE_COLUMNS
from mtl.report.read.scores import COLUMNS

SCALES = {"semseg": "miou", "human_parts": "miou", "saliency": "max_f", "edge": "ods_f"}


class Said(NamedTuple):
    word: str
    quantity: str


def judge(number, evidence):
    """Word and quantity of the verdict."""
    return Said(*registry.judge(number, evidence)[:2])


def line(setting, method, seed, task, value, **more):
    row = setting._asdict() | {"method": method, "variant": "", "seed": seed, "task": task, "value": value}
    row |= {
        "metric": SCALES[task],
        "higher_is_better": True,
        "source": f"{setting}/{method}/{task}",
        "table": "",
        "device": "cpu",
        "feature_distance": False,
    }
    return row | more


def scores(deltas, tasks=("semseg",)):
    """Score lines from Delta_m per seed by (setting, method) or (setting, method, variant), plus single-task."""
    lines, known = [], set()
    for (setting, method, *variant), values in deltas.items():
        for seed, delta in enumerate(values):
            for task in tasks:
                if (setting, seed, task) not in known and method != SINGLE:
                    known.add((setting, seed, task))
                    lines.append(line(setting, SINGLE, seed, task, 100.0))
                lines.append(line(setting, method, seed, task, 100.0 + delta, variant="".join(variant)))
    return lines


def ours(lines=(), curves=(), **more):
    return Evidence(pd.DataFrame(lines, columns=COLUMNS), pd.DataFrame(curves, columns=CURVE_COLUMNS), **more)


def every_method(setting, **deltas):
    """Delta_m of all rows of Table II at one or more seeds: 0 unless given by keyword."""
    given = {name.replace("_", " "): values for name, values in deltas.items()}
    seeds = max((len(values) for values in given.values()), default=1)
    return {(setting, method): given.get(method, [0.0] * seeds) for method in ROWS}


def curve(setting, method, kind, windows):
    """Curve lines from task or pair -> values of its windows, for every seed."""
    return [
        dict(zip(SETTING, setting, strict=True))
        | {"method": method, "variant": "", "seed": seed, "source": f"{setting}/{method}"}
        | {"key": f"{kind}/{name}", "step": 2000 * (place + 1), "value": value, "count": 100}
        for name, seeds in windows.items()
        for seed, values in enumerate(seeds)
        for place, value in enumerate(values)
    ]


ROOMS = NYUD._replace(dataset="rooms-NYUD", backbone="ResNet-tiny")
