"""Claims 32 to 37: features, and gradients of task pairs (Sec. V-F1 to V-F3, appendix, Figs. 6, 10 to 13)."""

from mtl.report.claims.check import Check, above, all_of, at_least, below, tally
from mtl.report.claims.curves import each, first, last, needs_five_tasks, over_tasks, pair, spread
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import Quantity, together
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import GOOD, GRID, NYUD, PASCAL, UNIFORM
from mtl.report.names import Setting

BOTH = (NYUD, PASCAL)
NO_RULE = "no pass rule"
CLEAR_COSINE = 0.05  # with a single seed
NEAR_ZERO = 0.05  # relative to the largest dot product, our threshold
COSINE, DOT = "gradient/cosine", "gradient/dot"


@claim(32)
def better_methods_keep_features_closer_to_single_task_ones(e: Evidence) -> Check:
    """Final mean distance over tasks of Grid Search, CAGrad and NashMTL is below that of Uniform."""

    def distance(setting: Setting, method: str) -> Quantity:
        return over_tasks(e, setting, method, last(e.curve(setting, method, "feature/distance")), lambda d: d.mean())

    def closer(setting: Setting) -> Check:
        uniform, checks = distance(setting, UNIFORM), []
        for method in GOOD:
            own = distance(setting, method)
            farther = own.over(uniform)  # in percent
            checks.append(below(farther, 0).saying(f"{own.name} {own} against {UNIFORM} {uniform}"))
        return all_of(checks)

    return all_of(e.each(BOTH, closer).values())


@claim(33)
def gradients_of_two_tasks_tend_to_orthogonal(e: Evidence) -> Check:
    """|cos| in the last window is below that in the first and below 0.2, for most pairs of each method."""

    def shrinking(setting: Setting) -> Check:
        checks = []
        for method in (UNIFORM, *GOOD):
            curve = e.curve(setting, method, COSINE).abs()
            windows = zip(*(each(e, setting, method, window) for window in (last(curve), first(curve))), strict=True)
            pairs = [
                all_of([below(end, start, clear=CLEAR_COSINE), below(end, 0.2, clear=CLEAR_COSINE)])
                for end, start in windows
            ]
            most = at_least(len(pairs) // 2 + 1, pairs, f"{e.name(setting)} {method} {tally(pairs)} pairs")
            checks.append(most)
        return all_of(checks)

    return all_of(e.each(BOTH, shrinking).values())


@claim(34)
def related_tasks_on_pascal_stay_aligned(e: Evidence) -> Check:
    """Mean cosine among segmentation, human parts and edge exceeds that of the other pairs in every window."""
    needs_five_tasks(e)
    checks = []
    for method in (UNIFORM, *GOOD):
        curve = e.curve(PASCAL, method, COSINE)
        related = [
            pair(curve, *two) for two in (("semseg", "human_parts"), ("semseg", "edge"), ("human_parts", "edge"))
        ]
        margin = curve[related].mean(axis=1) - curve.drop(columns=related).mean(axis=1)
        least = margin.groupby("seed").min().to_frame()
        lead = over_tasks(e, PASCAL, f"{method} least lead", least, lambda value: value[0])
        checks.append(above(lead, 0, clear=CLEAR_COSINE))
    return all_of(checks)


@claim(35)
def cosine_of_pairs_does_not_tell_methods_apart(e: Evidence) -> Check:
    """Mean cosine differs less between Uniform and Grid Search than among Grid Search, CAGrad and NashMTL."""

    def alike(setting: Setting) -> Check:
        curves = {method: e.curve(setting, method, COSINE).groupby("seed").mean() for method in (UNIFORM, *GOOD)}
        means = {m: over_tasks(e, setting, m, curve, lambda pairs: pairs.mean()) for m, curve in curves.items()}
        spread_of_good = together([means[m] for m in GOOD], lambda *values: max(values) - min(values))
        room = spread_of_good - abs(means[UNIFORM] - means[GRID])
        said = ", ".join(f"{method} {mean}" for method, mean in means.items())
        return above(room, 0, clear=CLEAR_COSINE).saying(f"{e.name(setting)} mean cosine {said}")

    return all_of(e.each(BOTH, alike).values())


@claim(36)
def under_uniform_many_dot_products_are_near_zero(e: Evidence) -> Check:
    """In every window, at least 3 of NYUD's 6 pairs and 8 of PASCAL's 10 are below 5 % of the largest."""

    def mostly_small(setting: Setting) -> Check:
        if setting == PASCAL:
            needs_five_tasks(e)
        dots = e.curve(setting, UNIFORM, DOT).abs()
        small = dots.lt(NEAR_ZERO * dots.max(axis=1), axis=0).sum(axis=1)
        fewest = over_tasks(e, setting, "fewest", small.groupby("seed").min().to_frame(), lambda count: count[0])
        said = f"{e.name(setting)} at least {fewest} of {dots.shape[1]} pairs"
        return above(fewest, needed[setting] - 0.5, clear=0.5).saying(said)

    needed = {NYUD: 3, PASCAL: 8}
    return all_of(e.each(needed, mostly_small).values())


@claim(37)
def dot_products_do_not_predict_balance(e: Evidence) -> Check:
    """Qualitative, so always undecided; reports the spread of dot products over pairs for the good methods."""

    def ranges(setting: Setting) -> str:
        dots = {method: last(e.curve(setting, method, DOT)) for method in GOOD}
        found = {method: over_tasks(e, setting, method, window, spread) for method, window in dots.items()}
        return f"{e.name(setting)} {', '.join(f'{method} {value}' for method, value in found.items())}"

    said = "; ".join(e.each(BOTH, ranges).values())
    return Check(None, f"{NO_RULE}; range of dot products in the last window: {said}")
