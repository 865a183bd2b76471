"""Claims 22 to 26: initial weights of a ViT-B (Sec. V-D, Table IV, Fig. 1)."""

from mtl.report.claims.check import Check, above, all_of, below, better, tally, uncorrelated
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import DATASETS, GRID, INITIALIZATIONS, PASCAL, SINGLE, UNIFORM, initialized

BASE, BEST = INITIALIZATIONS[0], INITIALIZATIONS[-1]
PAIRS = [initialized(dataset, name) for dataset in DATASETS for name in INITIALIZATIONS]


@claim(22)
def better_initial_weights_lift_everything(e: Evidence) -> Check:
    """Single-task Delta_m: DINO-v2 above CLIP, CLIP above the rest, the rest above 0."""

    def ordered(dataset: str) -> Check:
        delta = {n: e.delta(initialized(dataset, n), SINGLE) for n in INITIALIZATIONS if n != BASE}
        rest = [own for name, own in delta.items() if name not in (BEST, "CLIP")]
        order = [above(delta[BEST], delta["CLIP"]), *(above(delta["CLIP"], own) for own in rest)]
        said = ", ".join(f"{name} {own}" for name, own in delta.items())
        return all_of([*order, *(above(own, 0) for own in rest)], f"{dataset}: {said}")

    return all_of(e.each(DATASETS, ordered).values())


@claim(23)
def the_imbalance_stays(e: Evidence) -> Check:
    """No initialisation's multi-task network beats its own single-task networks, under Uniform or Grid Search."""
    methods, text, checks = (UNIFORM, GRID), [], []
    found = e.each(PAIRS, lambda setting: [e.gap(setting, method) for method in methods])
    for method, *gaps in zip(methods, *found.values(), strict=True):
        checks += [below(gap, 0) for gap in gaps]
        ends = sorted(gaps, key=lambda gap: gap.mean)
        text.append(f"{method} from {ends[-1]} to {ends[0]} ({ends[0].where})")
    return all_of(checks, f"{tally(checks)} below 0: {', '.join(text)}")


@claim(24)
def the_gap_does_not_shrink_with_better_weights(e: Evidence) -> Check:
    """Gap and single-task Delta_m are not significantly correlated (5 %), and DINO-v2 has |gap| > 2.5."""

    def unrelated(dataset: str) -> Check:
        settings = [initialized(dataset, name) for name in INITIALIZATIONS]
        gaps, singles = [e.gap(s) for s in settings], [e.delta(s, SINGLE) for s in settings]
        seeds = min(len(own.values) for own in (*gaps, *singles))
        correlation = uncorrelated([own.mean for own in gaps], [own.mean for own in singles], dataset, seeds)
        return all_of([correlation, above(abs(e.gap(initialized(dataset, BEST))), 2.5)])

    return all_of(e.each(DATASETS, unrelated).values())


@claim(25)
def grid_search_narrows_the_gap_for_each(e: Evidence) -> Check:
    """Delta_m above Uniform's and a smaller spread of M_i, in all 14 settings."""
    won, text = {}, []
    for reading, delta in e.readings().items():
        found = e.each(PAIRS, lambda setting, d=delta: above(d(setting, GRID), d(setting, UNIFORM)))
        won[reading] = list(found.values())
        lost = [check.text for check in won[reading] if check.holds is False]
        text.append(f"{reading} {tally(won[reading])} above Uniform".strip() + f" ({'; '.join(lost)})" * bool(lost))
    spreads = e.each(PAIRS, lambda setting: below(e.spread(setting, GRID), e.spread(setting, UNIFORM)))
    narrower = list(spreads.values())
    decisive = next(iter(won.values()))  # the recomputed ones
    text.append(f"spread of M smaller in {tally(narrower)}")
    return all_of([*decisive, *narrower]).worded("; ".join(text))


@claim(26)
def sam_is_best_on_edges_and_weak_in_segmentation(e: Evidence) -> Check:
    """Uniform rows: best edges on both datasets, worst segmentation on PASCAL."""
    others = [name for name in INITIALIZATIONS if name != "SAM"]

    def extreme(dataset: str, task: str) -> Check:
        own = e.number(initialized(dataset, "SAM"), UNIFORM, task)
        rivals = [e.number(initialized(dataset, name), UNIFORM, task) for name in others]
        duels = [better(own, rival) if task == "edge" else better(rival, own) for rival in rivals]
        return all_of(duels, f"{own.name} {own} {'best' if task == 'edge' else 'worst'}: {tally(duels)}")

    edges = e.each(DATASETS, lambda dataset: extreme(dataset, "edge"))
    return all_of([*edges.values(), extreme(PASCAL.dataset, "semseg")])
