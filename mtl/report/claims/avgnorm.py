"""Claims 44 to 52: AvgNorm (Sec. V-F5, Tables VI and VII, Fig. 9); claim 49, on curves, is in `balance`."""

from mtl.report.claims.check import Basis, Check, above, all_of, below, tally, within
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import AVGNORM, FOUR, GRID, NYUD, NYUD_MTAN, PASCAL, PASCAL_MTAN, ROWS, UNIFORM
from mtl.report.names import Setting

FACTOR = 2.5  # maximum ratio of similar weights, our threshold
COSTLY = ("CAGrad", "NashMTL")


@claim(44)
def avgnorm_matches_grid_search(e: Evidence) -> Check:
    """Delta_m at most 0.3 points lower, with both architectures on both datasets."""
    return all_of(e.each(FOUR, lambda s: above(e.delta(s, AVGNORM), e.delta(s, GRID), by=-0.3)).values())


@claim(45)
def avgnorm_beats_uniform_by_far(e: Evidence) -> Check:
    """Delta_m more than 1.5 points higher with ResNet-18."""
    both = (NYUD, PASCAL)
    return all_of(e.each(both, lambda s: above(e.delta(s, AVGNORM), e.delta(s, UNIFORM), by=1.5)).values())


@claim(46)
def avgnorm_beats_single_task_networks_on_nyud(e: Evidence) -> Check:
    """Delta_m > 0 with ResNet-18."""
    return above(e.delta(NYUD, AVGNORM), 0)


@claim(47)
def avgnorm_is_the_best_with_mtan_on_pascal(e: Evidence) -> Check:
    """Highest Delta_m of the fifteen multi-task rows; other settings are reported but not counted."""
    best = _best(e, PASCAL_MTAN)
    others = []
    for setting in (NYUD_MTAN, PASCAL):
        try:
            others.append(f"not counted: {_best(e, setting).text}")
        except MissingError:
            continue
    return best.worded("; ".join([best.text, *others]))


@claim(48)
def mean_weights_resemble_searched_ones(e: Evidence) -> Check:
    """Per task, relative to segmentation, within a factor of 2.5; edge is largest, segmentation smallest."""
    return all_of(e.each(FOUR, lambda setting: _resembling(e, setting)).values())


@claim(50)
def the_last_shared_layer_suffices(e: Evidence) -> Check:
    """Delta_m changes by less than 0.3 points with gradients at all shared parameters."""
    last, shared = e.delta(NYUD, AVGNORM), e.delta(NYUD, AVGNORM, "scope shared")
    return within(last - shared, 0.3, clear=0.3).saying(f"{last.name} {last} against {shared} at all shared parameters")


@claim(51)
def avgnorm_is_cheaper_than_gradient_methods(e: Evidence) -> Check:
    """Step time relative to Uniform is below CAGrad's and NashMTL's; memory and encoder passes are reported."""
    task, times = e.tasks(NYUD, AVGNORM)[0], {method: e.cost(NYUD, method, "seconds") for method in (AVGNORM, *COSTLY)}
    said = [
        f"{method} {time} % time, {e.cost(NYUD, method, 'memory')} % memory, "
        f"{e.number(NYUD, method, task, 'passes').mean:.0f} encoder passes"
        for method, time in times.items()
    ]
    return all_of((below(times[AVGNORM], times[method]) for method in COSTLY), f"{e.name(NYUD)} {'; '.join(said)}")


@claim(52)
def the_common_norm_matters(e: Evidence) -> Check:
    """AvgNorm exceeds w_i = 1 / |g_i| by 0.3 points, although Adam nearly cancels a factor common to all tasks."""
    return above(e.delta(NYUD, AVGNORM), e.delta(NYUD, "InverseNorm"), by=0.3)


def _best(e: Evidence, setting: Setting) -> Check:
    """Whether AvgNorm has the highest Delta_m of all multi-task rows; names the next one, or those above it."""
    own, rivals = e.delta(setting, AVGNORM), [e.delta(setting, method) for method in ROWS]
    duels = [above(own, rival) for rival in rivals]
    first, *more = sorted(rivals, key=lambda rival: -rival.mean)
    ahead = [rival for rival in (first, *more) if rival.mean >= own.mean] or [first]
    said = ", ".join(f"{rival.what} {rival}" for rival in ahead)
    return all_of(duels, f"{own.name} {own} above {tally(duels)}, {'then' if ahead == [first] else 'below'} {said}")


def _resembling(e: Evidence, setting: Setting) -> Check:
    own, searched = (_relative(e, setting, method) for method in (AVGNORM, GRID))
    factors = {task: max(own[task] / searched[task], searched[task] / own[task]) for task in own}
    far = [f"{task} a factor {factor:.1f} off" for task, factor in factors.items() if factor > FACTOR]
    by_size = sorted(own, key=own.__getitem__)
    ordered = by_size[-1] == "edge" and own["edge"] > FACTOR * own[by_size[-2]] and own["semseg"] <= own[by_size[0]]
    said = " : ".join(f"{ratio:.3g}" for ratio in own.values())
    against = " : ".join(f"{ratio:.3g}" for ratio in searched.values())
    text = f"{e.name(setting)} {'/'.join(own)} {said} against {against}"
    seeds = min(len(e.number(setting, method, "edge", "weight").values) for method in (AVGNORM, GRID))
    bases = frozenset({Basis("means compared without a test", seeds)})
    return Check(ordered and not far, "", bases).saying(", ".join([text, *far]))


def _relative(e: Evidence, setting: Setting, method: str) -> dict[str, float]:
    """Mean weight of every task relative to segmentation, averaged over seeds."""
    tasks = dict.fromkeys(("semseg", *e.tasks(setting, AVGNORM), "edge"))
    weights = {task: e.number(setting, method, task, "weight").mean for task in tasks}
    return {task: weight / weights["semseg"] for task, weight in weights.items()}
