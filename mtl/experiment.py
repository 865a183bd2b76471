"""An experiment: the lines of its plan, the runs that they expand to, and which of those are missing."""

import hashlib
import itertools
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from mtl import build
from mtl.report.names import METHODS, method_of, setting_of
from mtl.report.read.floors import Floors, read_floors
from mtl.report.read.runs import Run, finished_runs

# Words that do not change an experiment. Any other word changes the names of its files, so no trial replaces a result.
UNCHANGING = ("experiment", "dataset", *build.INCIDENTAL)


@dataclass(frozen=True)
class Job:
    """A run of the plan, for any seed.

    Args:
        words: The words for train.py, without the seed.
        config: The part of the resolved config that affects the result.
        folder: The run folder, without the seed.
        variant: Settings of its weighter and optimizer that differ from the default, such as `alpha 0.5`; empty if none
            do.
        notes: Statistics that a run must have recorded to count as this one; None: no requirement.
        needs_singles: Whether it needs the weights of single-task networks.
    """

    words: tuple[str, ...]
    config: Mapping[str, Any]
    folder: Path
    variant: str
    notes: Mapping[str, Any] | None
    needs_singles: bool

    def run(self, runs: Mapping[Path, Run], seed: int) -> Run | None:
        """The finished run with this seed and the required statistics; None if there is none."""
        run = runs.get(self.folder / f"seed{seed}")
        return run if run and self._is_noted_in(run) else None

    def _is_noted_in(self, run: Run) -> bool:
        if self.notes is None:
            return True
        wanted, noted = self.notes["gradient_statistics"], run.record["gradient_statistics"]
        dense = noted["scope"] == wanted["scope"] and 0 < noted["every"] <= wanted["every"]
        return dense and run.record.get("feature_distance", False) >= self.notes["feature_distance"]


class Experiment:
    """The `plan` of a config file, for one dataset.

    Args:
        words: Words of train.py's command line; `experiment=` among them names the plan.

    Raises:
        ValueError: The words name no plan, or the plan has no words for this dataset.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.cfg = build.compose(words)
        if not self.cfg.get("plan", {}).get("runs"):
            raise ValueError("no plan: name an experiment that has one, as in experiment=table2 dataset=nyud")
        self.plan = build.as_dict(self.cfg.plan, resolve=False)
        self.dataset = self.cfg.dataset.name
        self.results = Path(self.cfg.results)
        self._composed: dict[
            tuple[str, ...], DictConfig
        ] = {}  # configs without words about the weighter or the optimizer
        given = dict(word.split("=", 1) for word in words if "=" in word)
        first, ending = given["experiment"].strip("[]").split(",")[0], f"_{self.dataset}"
        self.name = f"{first.removesuffix(ending)}{ending}"
        changed = [word for word in words if not unchanging(word)]
        if changed:
            self.name += f"-{hashlib.sha256(' '.join(sorted(changed)).encode()).hexdigest()[:8]}"

    def check_dataset(self) -> None:
        """Looks for the dataset once, so that not every run fails for lack of it.

        Raises:
            ValueError: It is missing.
        """
        split = self.cfg.dataset.train
        dataset = get_class(split._target_)
        if hasattr(dataset, "locate"):  # it is on disk
            dataset.locate(Path(split.root))

    @property
    def records(self) -> Path:
        """Where the records of its runs are kept."""
        return self.results / "records" / self.name

    def seeds(self) -> list[int]:
        """The seeds of which there are records; 0 if there are none."""
        names = {path.stem.removeprefix("seed") for path in self.records.glob("*/seed*.json")}
        return sorted(int(name) for name in names if name.isdigit()) or [0]

    @property
    def floors_file(self) -> Path:
        """Where scores of predictions without learning are kept."""
        return self.records / "floors.json"

    def floors(self) -> Floors:
        """Scores of predictions without learning on its data, if they are kept."""
        return read_floors(self.floors_file, build.data_key(self.cfg))

    def lines(self) -> list[tuple[str, ...]]:
        """The lines of the plan as words of a sweep, with the placeholders filled in for the dataset.

        Raises:
            ValueError: There is no such placeholder.
        """
        known = {key: self._for_dataset(key, value) for key, value in self.plan.get("words", {}).items()}
        known["tasks"] = ",".join(build.subset(self.cfg))
        lines = []
        for line in self.plan["runs"]:
            for key, value in known.items():
                line = line.replace(f"{{{key}}}", value)  # noqa: PLW2901
            if wrong := re.search(r"\{(\w+)\}", line):
                raise ValueError(f"plan.runs: plan.words has no {wrong[1]}{build.closest(wrong[1], known)}")
            lines.append(tuple(shlex.split(line)))
        return lines

    def networks(self) -> list[list[tuple[str, ...]]]:
        """The words of every network of each line, without networks of earlier lines."""
        seen, lines = set(), []
        for line in self.lines():
            told = {words: frozenset(words) - self._defaults(words) for words in swept(line)}
            lines.append([words for words, own in told.items() if own not in seen])
            seen.update(told.values())
        return lines

    def count(self) -> int:
        """Number of networks in the plan, not counting seeds."""
        return sum(map(len, self.networks()))

    def jobs(self) -> list[list[Job]]:
        """The jobs of each line, one per network.

        Raises:
            ValueError: The runs of two different networks would be one row of a table, or there is no such weighter.
        """
        lines, rows = [[self._job(words) for words in line] for line in self.networks()], {}
        for job in itertools.chain(*lines):
            other = rows.setdefault(
                (*setting_of(job.config), method_of(job.config), job.variant, *job.config["subset"]), job
            )
            if other.config != job.config:
                raise ValueError(
                    f"the plan has two networks for one row of its table: {' '.join(job.words)} and "
                    f"{' '.join(other.words)}; only words about the weighter and the optimizer name a row of their own"
                )
        known = METHODS.keys() | {job.config["weighter"]["name"] for line in lines for job in line}
        for key in ("figure", "best_of", "search"):
            given = self.plan.get(key) or ()
            if wrong := [name for name in ([given] if isinstance(given, str) else given) if name not in known]:
                raise ValueError(f"plan.{key}: there is no weighter {wrong[0]}{build.closest(wrong[0], known)}")
        return lines

    def _job(self, line: Sequence[str]) -> Job:
        cfg = build.compose(words := (*self.words, *line))
        folder = build.run_folder(cfg).parent
        about = about_training(line)
        name = variant(about) if set(about) - self._defaults(line) else ""
        notes = build.as_dict(cfg.logging, resolve=False) if self.plan.get("complete") else None
        return Job(words, build.science(cfg), folder, name, notes, build.needs_singles(cfg))

    def _defaults(self, line: Sequence[str]) -> set[str]:
        """The words about the weighter or the optimizer that only repeat its defaults."""
        if not (about := about_training(line)):
            return set()
        rest = tuple(word for word in line if word not in about)
        cfg = self._composed[rest] = self._composed.get(rest) or build.compose([*self.words, *rest])
        overrides = OverridesParser.create().parse_overrides(about)
        return {one.input_line or "" for one in overrides if OmegaConf.select(cfg, one.key_or_group) == one.value()}

    def _for_dataset(self, key: str, value: str | Mapping[str, str]) -> str:
        if isinstance(value, str):
            return value
        if self.dataset not in value:
            raise ValueError(
                f"plan.words.{key} has nothing for dataset={self.dataset}, only for {', '.join(value)}: "
                f"add it to the file of the experiment"
            )
        return value[self.dataset]


def swept(line: Sequence[str]) -> list[tuple[str, ...]]:
    """The words of every run of a sweep, in Hydra's order."""
    overrides = OverridesParser.create().parse_overrides(list(line))
    choices: list[list[str]] = [
        [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
        if override.is_sweep_override()
        else [override.input_line or ""]
        for override in overrides
    ]
    return list(itertools.product(*choices))


def about_training(words: Sequence[str]) -> list[str]:
    """The words that set something of the weighter or the optimizer, which a row of a table is named after."""
    return [word for word in words if word.lstrip("+").startswith(("weighter.", "recipe.optimizer."))]


def variant(words: Sequence[str]) -> str:
    """Such words in readable form: `weighter.method.alpha=0.5` is `alpha 0.5`."""
    return ", ".join(f"{key.split('.')[-1]} {value}" for key, value in (word.split("=", 1) for word in words))


def of_make(name: str, dataset: str, *words: str) -> Experiment:
    """The experiment of `make <name> DATASET=<dataset>`: on rooms, a small trial of a plan for other datasets.

    Args:
        name: Name of the config file of the experiment.
        dataset: Name of the dataset.
        words: Further words of train.py.
    """
    plan = OmegaConf.load(build.CONFIGS / "experiment" / f"{name}.yaml").plan
    trial = dataset == "rooms" and "datasets" in plan
    return Experiment([f"experiment=[{name},small]" if trial else f"experiment={name}", f"dataset={dataset}", *words])


def unchanging(word: str) -> bool:
    """Whether the word leaves the experiment unchanged."""
    key = word.lstrip("+~").partition("=")[0]
    return key in UNCHANGING or key.partition(".")[0] in build.INCIDENTAL


def finished(results: Path) -> dict[Path, Run]:
    """Finished runs by their folders."""
    return {run.folder: run for run in finished_runs(results)}


def datasets(words: Sequence[str]) -> list[str]:
    """The datasets of an experiment: the one on the command line, otherwise those of the paper."""
    given = [word.partition("=")[2] for word in words if word.startswith("dataset=")]
    cfg: DictConfig = build.compose(words)
    return given or list(OmegaConf.select(cfg, "plan.datasets", default=[cfg.dataset.name]))
