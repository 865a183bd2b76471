"""Lookup of the numbers that claims are judged on, the same for the paper's and ours."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import pandas as pd

from mtl.delta_m import delta_m
from mtl.report.claims.quantity import MissingError, Quantity, together
from mtl.report.claims.settings import NONE, SINGLE, UNIFORM, StandIns, short
from mtl.report.names import ROW, Setting, notation
from mtl.report.numbers.gains import own_baseline, published_baseline
from mtl.report.read.scores import MEASURED, PAPER_TASKS

Part = TypeVar("Part", Setting, str, tuple[Setting, ...])  # what a claim is judged on: settings, or a dataset
Found = TypeVar("Found")


class Evidence:
    """Numbers of the paper or of our runs.

    Args:
        scores: Frame of scores, see `mtl.report.read.scores`.
        curves: Frame of curves, see `mtl.report.read.curves`.
        exact: Whether the numbers are the paper's, whose noise is unknown.
        printed: Source of a row -> its printed Delta_m.
        prose: (setting, method or "gap") -> Delta_m that the paper gives only in running text.
        stand_ins: Networks of ours used in place of the paper's.

    Attributes:
        missing: Part of a claim -> the number that it lacks, empty if it lacks none; see `each`.
    """

    def __init__(
        self,
        scores: pd.DataFrame,
        curves: pd.DataFrame,
        *,
        exact: bool = False,
        printed: Mapping[str, float] | None = None,
        prose: Mapping[tuple[Setting, str], float] | None = None,
        stand_ins: StandIns = NONE,
    ) -> None:
        self.exact, self.printed, self.prose = exact, printed or {}, prose or {}
        self.stand_ins, self.missing = stand_ins, dict[str, str]()
        self._rows: dict[tuple, list[dict]] = {}
        for line in scores.to_dict("records"):
            self._rows.setdefault(tuple(line[column] for column in ROW), []).append(line)
        self._curves = dict(iter(curves.groupby(ROW, sort=False)))

    def place(self, setting: Setting) -> Setting:
        """The setting whose numbers are used for a setting of the paper."""
        return self.stand_ins.place(setting)

    def vanilla(self, setting: Setting) -> Setting:
        """The vanilla network with the encoder that is used for a setting of the paper."""
        return self.place(setting)._replace(architecture="Vanilla")

    def each(self, parts: Iterable[Part], judge: Callable[[Part], Found]) -> dict[Part, Found]:
        """Judges the parts of a claim, such as its settings, and leaves out those with missing numbers.

        Raises:
            MissingError: Every part has a missing number.
        """
        found = {}
        for part in parts:
            name = self._called(part)
            try:
                found[part] = judge(part)
                self.missing.setdefault(name, "")
            except MissingError as error:
                self.missing[name] = str(error)
        if not found:
            raise MissingError("; ".join(dict.fromkeys(self.missing[self._called(part)] for part in parts)))
        return found

    def tasks(self, setting: Setting, method: str = UNIFORM, variant: str = "") -> list[str]:
        """The tasks of a row, in order; for single-task networks those of the multi-task network, if there is one."""
        if method == SINGLE and self.has(setting, UNIFORM):
            method = UNIFORM
        found = {line["task"] for line in self._row(setting, method, variant)}
        return [task for task in PAPER_TASKS.values() if task in found]

    def number(self, setting: Setting, method: str, task: str, column: str = "value", variant: str = "") -> Quantity:
        """A column of a row for one task: its metric, mean weight or cost."""
        lines = [line for line in self._row(setting, method, variant) if line["task"] == task]
        known = {(line["seed"], float(line[column])) for line in lines if pd.notna(line[column])}
        values = dict(sorted(known))
        if not values:
            raise MissingError(f"{column if lines else task} of {method} on {self.name(setting)}")
        if len(values) < len(known):
            raise MissingError(f"a single run of {method} on {self.name(setting)}: {task} has several per seed")
        value = column == "value"
        return Quantity(
            values,
            self.name(setting),
            f"{method} {task}" if value else method,
            self.exact,
            higher=bool(lines[0]["higher_is_better"]) if value else True,
            form=f".{notation(task, lines[0]['metric']).digits}f" if value else ".2f",
        )

    def cost(self, setting: Setting, method: str, column: str) -> Quantity:
        """Time or memory over Uniform's in percent, at the seeds at which both were measured alike."""
        task = self.tasks(setting, method)[0]
        own, uniform = (replace(self.number(setting, m, task, column), higher=True) for m in (method, UNIFORM))
        conditions = [
            {line["seed"]: [line[key] for key in MEASURED] for line in self._row(setting, m, "")}
            for m in (method, UNIFORM)
        ]
        alike = {seed: value for seed, value in own.values.items() if conditions[0][seed] == conditions[1].get(seed)}
        if not alike:
            raise MissingError(f"{column} of {method} and Uniform measured alike on {self.name(setting)}")
        return replace(own, values=alike).over(uniform)

    def gain(
        self,
        setting: Setting,
        method: str,
        task: str,
        baseline: Callable[[Setting], Setting] = published_baseline,
        variant: str = "",
    ) -> Quantity:
        """M_i over the single-task network of the same seed, in percent."""
        value = self.number(setting, method, task, variant=variant)
        return value.over(self.number(baseline(self.place(setting)), SINGLE, task))

    def gains(
        self, setting: Setting, method: str, baseline: Callable[[Setting], Setting] = published_baseline
    ) -> dict[str, Quantity]:
        """M_i of every task of a row."""
        return {task: self.gain(setting, method, task, baseline) for task in self.tasks(setting, method)}

    def delta(self, setting: Setting, method: str, variant: str = "") -> Quantity:
        """Delta_m over the single-task networks of the paper's baseline."""
        if (setting, method) in self.prose and not self.has(setting, method):
            return self._said(setting, method)
        mean = self._mean_gain(setting, method, published_baseline, variant)
        source = self._row(setting, method, variant)[0]["source"]
        return replace(mean, printed=self.printed.get(source))

    def gap(self, setting: Setting, method: str = UNIFORM) -> Quantity:
        """Cost of sharing: Delta_m over the single-task networks of the same setting."""
        if (setting, "gap") in self.prose:
            gap = self._said(setting, "gap")
        elif (setting, method) in self.prose and not self.has(setting, method):
            gap = self.delta(setting, method) - self.delta(setting, SINGLE)
        else:
            gap = self._mean_gain(setting, method, own_baseline)
        return replace(gap, what="gap" if method == UNIFORM else f"{method} gap")

    def spread(self, setting: Setting, method: str) -> Quantity:
        """Range of M_i over the setting's own single-task networks, in points."""
        gains = list(self.gains(setting, method, own_baseline).values())
        return together(gains, lambda *values: max(values) - min(values))

    def readings(self) -> dict[str, Callable[[Setting, str], Quantity]]:
        """Sources of Delta_m: recomputed and printed for the paper, a single one for ours."""
        return {"recomputed": self.delta, "printed": self._printed_delta} if self.exact else {"": self.delta}

    def curve(self, setting: Setting, method: str, kind: str, variant: str = "") -> pd.DataFrame:
        """Curves of a kind such as `gradient/norm`: a row per seed and window, a column per task or pair."""
        found = self._curves.get((*self.place(setting), method, variant))
        found = None if found is None else found[found["key"].str.startswith(f"{kind}/")]
        if found is None or found.empty:
            raise MissingError(f"{kind} of {method} on {self.name(setting)}")
        if found.duplicated(["seed", "key", "step"]).any():
            raise MissingError(f"a single run of {method} on {self.name(setting)}: several have curves")
        found = found.assign(
            window=found.groupby("seed")["step"].rank("dense").astype(int) - 1,
            name=found["key"].str.removeprefix(f"{kind}/"),
        )
        return found.pivot(index=["seed", "window"], columns="name", values="value").astype(float).dropna()

    def has(self, setting: Setting, method: str) -> bool:
        """Whether the row exists."""
        return (*self.place(setting), method, "") in self._rows

    def name(self, setting: Setting) -> str:
        """Short name of the setting."""
        return short(self.place(setting))

    def _called(self, part: Part) -> str:
        if isinstance(part, Setting):
            return self.name(part)
        return part if isinstance(part, str) else " and ".join(map(self.name, part))

    def _row(self, setting: Setting, method: str, variant: str) -> list[dict]:
        key = (*self.place(setting), method, variant)
        if key not in self._rows:
            raise MissingError(f"{method} {variant}".strip() + f" on {self.name(setting)}")
        return self._rows[key]

    def _printed_delta(self, setting: Setting, method: str) -> Quantity:
        delta = self.delta(setting, method)
        return delta if delta.printed is None else replace(delta, values=dict.fromkeys(delta.values, delta.printed))

    def _mean_gain(
        self, setting: Setting, method: str, baseline: Callable[[Setting], Setting], variant: str = ""
    ) -> Quantity:
        tasks = self.tasks(setting, method, variant)
        gains = [self.gain(setting, method, task, baseline, variant) for task in tasks]
        return Quantity(together(gains, lambda *values: delta_m(values)).values, self.name(setting), method, self.exact)

    def _said(self, setting: Setting, what: str) -> Quantity:
        return Quantity({0: self.prose[setting, what]}, self.name(setting), what, self.exact)
