"""Claims 27 to 31: noisy labels and fewer samples (Sec. V-E, Table V)."""

from itertools import pairwise

from mtl.report.claims.check import Check, above, all_of, below
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import FEWER_SCANS, FEWER_SCENES, NOISE, REPLICA, SINGLE, UNIFORM
from mtl.report.names import Setting
from mtl.report.numbers.gains import own_baseline


@claim(27)
def noisy_labels_hurt(e: Evidence) -> Check:
    """Delta_m below -10 for single-task networks and for the multi-task network."""
    return all_of(below(e.delta(NOISE, method), -10) for method in (SINGLE, UNIFORM))


@claim(28)
def noise_does_not_worsen_the_imbalance(e: Evidence) -> Check:
    """|gap| with noise is at most one point above that without; the gain of each task is reported."""
    noisy, clean = abs(e.gap(NOISE)), abs(e.gap(REPLICA))
    tasks = ", ".join(f"{task} {gain}" for task, gain in e.gains(NOISE, UNIFORM, own_baseline).items())
    found = below(noisy, clean, by=-1)
    return found.worded(f"{found.text}; with noise {tasks}")


@claim(29)
def fewer_samples_hurt(e: Evidence) -> Check:
    """Delta_m is below that of the full split with fewer samples, single-task and multi-task."""
    methods, checks = (SINGLE, UNIFORM), []
    fewer = e.each((*FEWER_SCANS, *FEWER_SCENES), lambda setting: [e.delta(setting, method) for method in methods])
    for method, *less in zip(methods, *fewer.values(), strict=True):
        full = e.delta(REPLICA, method)
        said = f"{method} {', '.join(str(delta) for delta in less)} against {full}"
        checks.append(all_of((below(delta, full) for delta in less), said))
    return all_of(checks)


@claim(30)
def the_gap_widens_with_fewer_samples(e: Evidence) -> Check:
    """|gap| exceeds that of the full split and grows as scans or scenes are removed."""
    return all_of(e.each((FEWER_SCANS, FEWER_SCENES), lambda settings: _growing(e, settings)).values())


@claim(31)
def more_data_alone_does_not_remove_the_gap(e: Evidence) -> Check:
    """The gap of the full split is below 0."""
    return below(e.gap(REPLICA), 0)


def _growing(e: Evidence, settings: tuple[Setting, ...]) -> Check:
    """Whether |gap| grows from the full split on with every setting."""
    full, *less = (abs(e.gap(setting)) for setting in (REPLICA, *settings))
    above_full = [above(gap, full) for gap in less]
    said = [f"full {full}", *(c.saying(f"{g.where} {g}").text for g, c in zip(less, above_full, strict=True))]
    return all_of([*above_full, *(above(b, a) for a, b in pairwise(less))]).worded(", ".join(said))
