"""Compares the conditions of runs that can change their numbers: device, CPU, software, code and data files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mtl.report.names import method_of
from mtl.report.read.runs import Run

UNKNOWN = "not recorded"  # by earlier versions of the code
SHOWN = 3  # names of methods

Values = dict[str, list[Run]]  # value of a condition -> the runs that have it


def differing_conditions(runs: Sequence[Run]) -> list[str]:
    """A note that names every condition in which the runs differ, and the methods that deviate from most runs."""
    parts = []
    for fact, values in _grouped((fact, value, run) for run in runs for fact, value in _environment(run)).items():
        first, *others = _ordered(values)
        counts = [f"{first} ({len(values[first])} runs)"]
        counts += [f"{value} ({len(values[value])}: {_methods(values[value])})" for value in others]
        parts.append(f"{fact}: {', '.join(counts)}")
    files = _grouped((key, value, run) for run in runs for key, value in _files(run))
    if files:
        deviating = [run for values in files.values() for value in _ordered(values)[1:] for run in values[value]]
        names = dict.fromkeys(f"{split} {label}" for split, label, _ in files)
        parts.append(f"data files: {', '.join(names)} (others for {_methods(deviating)})")
    text = f"The runs differ in {'; '.join(parts)}. This can change a result as much as another seed does."
    return [text] if parts else []


def partly_evaluated(runs: Sequence[Run]) -> list[str]:
    """A note for every number of validation images that stands for a whole split."""
    splits = [run.record.get("data", {}).get("val", {}) for run in runs]
    parts = {(about["images"], about["of"]) for about in splits if "of" in about}
    return [f"Evaluations during training score {images} of {of} validation images." for images, of in sorted(parts)]


def with_skipped_steps(runs: Sequence[Run]) -> list[str]:
    """A note that names the runs in which many steps were skipped."""
    parts = [f"{run.folder.parent.name}/{run.folder.name} ({text})" for run in runs if (text := run.skipped)]
    text = f"Steps were skipped because a loss or gradient was not finite: {', '.join(parts)}."
    return [text] if parts else []


def _environment(run: Run) -> Iterable[tuple[str, str]]:
    """The conditions of a run other than its data; several values if it was resumed elsewhere."""
    parts = [_facts(about) for about in (*run.record.get("earlier_environments", ()), run.record["environment"])]
    return [(fact, ", then ".join(dict.fromkeys(part[fact] for part in parts))) for fact in parts[-1]]


def _facts(about: Mapping[str, Any]) -> dict[str, str]:
    on_cpu = about["device"].startswith("cpu")
    facts = {
        "device": about.get("cpu", about["device"]) if on_cpu else about["device"],
        "deterministic kernels": None if on_cpu else about.get("deterministic"),
        "CPU capability": about.get("cpu_capability"),
        "CPU threads": about.get("threads"),
        "torch": about.get("packages", {}).get("torch"),
        "code": about.get("code"),
    }
    return {fact: UNKNOWN if value is None else str(value) for fact, value in facts.items()}


def _files(run: Run) -> Iterable[tuple[tuple[str, str, int], str]]:
    """Split, label and number of images -> fingerprint of the files: some tasks use only a part of the images."""
    for split, about in run.record.get("data", {}).items():
        for label, digest in about.get("fingerprint", {}).items():
            yield (split, label, about["images"]), digest


def _grouped(found: Iterable[tuple[str | tuple, str, Run]]) -> dict[str | tuple, Values]:
    """The conditions in which runs differ."""
    grouped: dict[str | tuple, Values] = {}
    for fact, value, run in found:
        grouped.setdefault(fact, {}).setdefault(value, []).append(run)
    return {fact: values for fact, values in grouped.items() if len(values) > 1}


def _ordered(values: Mapping[str, list[Run]]) -> list[str]:
    """The values, the most frequent first."""
    return sorted(values, key=lambda value: -len(values[value]))


def _methods(runs: Iterable[Run]) -> str:
    names = list(dict.fromkeys(method_of(run.config) for run in runs))
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + f" and {rest} more" * (rest > 0)
