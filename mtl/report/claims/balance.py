"""Claims 38 to 43 and 49: each task's share of the update (Sec. V-F4, V-F5, appendix, Figs. 7 to 9, 14 to 16)."""

import numpy as np

from mtl.report.claims.check import Check, above, all_of, below, rank_correlation, uncorrelated, within
from mtl.report.claims.curves import first, last, needs_five_tasks, over_tasks, ratio, spread
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError, Quantity, together
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import AVGNORM, GOOD, NYUD, PASCAL, ROWS, SINGLE, UNIFORM
from mtl.report.names import Setting

ALIGNMENT, NORM, WEIGHTED = "gradient/alignment", "gradient/norm", "gradient/weighted_norm"
CLEAR_COSINE = 0.05  # with a single seed
CONVERGED, APART = 0.2, 0.4  # maximum and minimum spread of cosines, our thresholds
NEAR_HALF = 0.1  # distance of the mean cosine from 0.5, our threshold
LEVELLED, UNEVEN = 2, 5  # largest over smallest norm, our thresholds


@claim(38)
def cosines_to_the_update_converge_for_good_methods(e: Evidence) -> Check:
    """Spread over tasks < 0.2, smaller than in the first window, cosine near 0.5; for Uniform the spread is > 0.4.

    Orthogonal gradients of equal norm already have a cosine of 1 / sqrt(T), so 0.5 shows nothing beyond that.
    """
    if e.exact:
        raise MissingError(f"the numbers of Fig. 7; the text says about 0.5, and {_null_model(4, 5)}")
    checks = [_converged(e, NYUD, method, near_half=True) for method in GOOD]
    uniform = over_tasks(e, NYUD, f"{UNIFORM} spread", last(e.curve(NYUD, UNIFORM, ALIGNMENT)), spread)
    found = all_of([*checks, above(uniform, APART, clear=CLEAR_COSINE)])
    return found.worded(f"{found.text}; {_null_model(e.curve(NYUD, UNIFORM, ALIGNMENT).shape[1])}")


@claim(39)
def on_pascal_one_task_keeps_apart(e: Evidence) -> Check:
    """The spread drops most without normals (Grid Search) or saliency (CAGrad); NashMTL has the smallest."""
    needs_five_tasks(e)
    checks = []
    for method, outlier in zip(GOOD[:2], ("normals", "saliency"), strict=True):
        window = last(e.curve(PASCAL, method, ALIGNMENT))
        left = {t: over_tasks(e, PASCAL, f"{method} without {t}", window.drop(columns=t), spread) for t in window}
        others = [own for task, own in left.items() if task != outlier]
        rest = together(others, lambda *values: min(values))
        said = f"{left[outlier].name} {left[outlier]}, without any other at least {rest}"
        checks.append(below(left[outlier], rest, clear=CLEAR_COSINE).saying(said))
    spreads = {m: over_tasks(e, PASCAL, m, last(e.curve(PASCAL, m, ALIGNMENT)), spread) for m in (*GOOD, UNIFORM)}
    duels = [below(spreads["NashMTL"], own, clear=CLEAR_COSINE) for m, own in spreads.items() if m != "NashMTL"]
    return all_of([*checks, all_of(duels, ", ".join(f"{method} {own}" for method, own in spreads.items()))])


@claim(40)
def gradient_norms_converge_on_nyud(e: Evidence) -> Check:
    """Largest over smallest weighted norm < 2 for the good methods, > 5 for Uniform; unweighted is reported."""
    return all_of([*(_level(e, NYUD, method) for method in GOOD), _uneven(e, NYUD)])


@claim(41)
def gradient_norms_converge_on_pascal(e: Evidence) -> Check:
    """As on NYUD, except that Grid Search is judged without normals."""
    needs_five_tasks(e)
    grid, *others = GOOD
    levelled = [_level(e, PASCAL, grid, without="normals"), *(_level(e, PASCAL, method) for method in others)]
    return all_of([*levelled, _uneven(e, PASCAL)])


@claim(42)
def single_task_norms_do_not_predict_multi_task_ones(e: Evidence) -> Check:
    """Their rank correlation over tasks (means over seeds) is not significant; it hardly can be with so few tasks."""

    def unrelated(setting: Setting) -> Check:
        windows = [last(e.curve(setting, method, NORM)) for method in (SINGLE, UNIFORM)]
        single, shared = (window.mean() for window in windows)
        tasks = [task for task in shared.index if task in single.index]
        if len(tasks) < len(shared):
            raise MissingError(f"{NORM} of {SINGLE} on {e.name(setting)} for every task")
        return uncorrelated(single[tasks], shared[tasks], e.name(setting), min(map(len, windows)))

    return all_of(e.each((NYUD, PASCAL), unrelated).values())


@claim(43)
def balance_of_norms_goes_with_delta_m(e: Evidence) -> Check:
    """Spearman's rho between norm ratio and Delta_m over all methods of Table II is below -0.5."""

    def together_with_delta_m(setting: Setting) -> Check:
        ratios, deltas = [_ratio(e, setting, m, WEIGHTED) for m in ROWS], [e.delta(setting, m) for m in ROWS]
        rho = together([*ratios, *deltas], lambda *v: rank_correlation(v[: len(ROWS)], v[len(ROWS) :])[0])
        return below(rho, -0.5, clear=0.2).saying(f"{e.name(setting)} rho {rho} over {len(ROWS)} methods")

    return all_of(e.each((NYUD, PASCAL), together_with_delta_m).values())


@claim(49)
def cosines_to_the_update_converge_under_avgnorm(e: Evidence) -> Check:
    """Spread over tasks < 0.2 and smaller than in the first window; nearly by construction, as norms are equal."""
    return _converged(e, NYUD, AVGNORM)


def _converged(e: Evidence, setting: Setting, method: str, near_half: bool = False) -> Check:
    curve = e.curve(setting, method, ALIGNMENT)
    start, end = (over_tasks(e, setting, method, window, spread) for window in (first(curve), last(curve)))
    common = over_tasks(e, setting, method, last(curve), np.mean)
    checks = [below(end, CONVERGED, clear=CLEAR_COSINE), below(end, start, clear=CLEAR_COSINE)]
    if near_half:
        off = Quantity({seed: value - 0.5 for seed, value in common.values.items()}, common.where, method, e.exact)
        checks.append(within(off, NEAR_HALF, clear=CLEAR_COSINE))
    return all_of(checks, f"{e.name(setting)} {method} spread {start} then {end} around {common}")


def _null_model(*num_tasks: int) -> str:
    cosines = " and ".join(f"1/sqrt({count}) = {count**-0.5:.3f}" for count in num_tasks)
    return f"orthogonal gradients of equal norm give {cosines}"


def _ratio(e: Evidence, setting: Setting, method: str, kind: str, without: str = "") -> Quantity:
    window = last(e.curve(setting, method, kind))
    return over_tasks(e, setting, method, window.drop(columns=without) if without else window, ratio)


def _level(e: Evidence, setting: Setting, method: str, without: str = "") -> Check:
    weighted, plain = (_ratio(e, setting, method, kind, without) for kind in (WEIGHTED, NORM))
    return below(weighted, LEVELLED, clear=0.1 * LEVELLED).saying(
        f"{e.name(setting)} {method}{f' without {without}' * bool(without)} {weighted} (unweighted {plain})"
    )


def _uneven(e: Evidence, setting: Setting) -> Check:
    return above(_ratio(e, setting, UNIFORM, WEIGHTED), UNEVEN, clear=0.1 * UNEVEN)
