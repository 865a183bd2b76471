from itertools import combinations

import pytest
from made_up import curve, every_method, judge, ours, scores

from mtl.report.claims.settings import AVGNORM, GOOD, GRID, NYUD, PASCAL, ROWS, SINGLE, UNIFORM

FOUR_TASKS = ("semseg", "depth", "normals", "edge")
FIVE_TASKS = ("semseg", "human_parts", "normals", "saliency", "edge")
SHOWN = (UNIFORM, *GOOD)


def pairs(tasks):
    return [f"{a}-{b}" for a, b in combinations(tasks, 2)]


def curves(setting, kind, methods):
    """Curve lines of several methods at one seed: method -> task or pair -> values of its windows."""
    return [
        row
        for method, windows in methods.items()
        for row in curve(setting, method, kind, {name: [values] for name, values in windows.items()})
    ]


def flat(tasks, value=1.0):
    return {key: [value, value] for key in tasks}


def five_tasks():
    """Lines which show that all five tasks of PASCAL-Context were trained."""
    return curves(PASCAL, "gradient/norm", {UNIFORM: flat(FIVE_TASKS)})


def norms(values):
    return {task: [value, value] for task, value in zip("abcd", values, strict=False)}


def alignment(*, uniform, good):
    spread = {"semseg": [0.9, good + 0.05], "depth": [0.1, good], "normals": [0.3, good], "edge": [0.2, good - 0.05]}
    apart = {"semseg": [0.9, uniform], "depth": [0.1, 0.1], "normals": [0.3, 0.3], "edge": [0.2, 0.0]}
    return ours(curves=curves(NYUD, "gradient/alignment", {UNIFORM: apart} | dict.fromkeys(GOOD, spread)))


def test_claim_32_wants_features_closer_than_uniforms():
    def judged(distance):
        methods = {UNIFORM: flat(FOUR_TASKS, 2.0)} | dict.fromkeys(GOOD, flat(FOUR_TASKS, distance))
        return judge(32, ours(curves=[row for s in (NYUD, PASCAL) for row in curves(s, "feature/distance", methods)]))

    assert judged(1.5).word == "holds"
    assert judged(2.5).word == "fails"
    assert judged(1.99).word == "undecided"
    assert "NYUD R18 Grid Search 1.5 against Uniform 2" in judged(1.5).quantity


def test_claim_33_wants_cosines_to_shrink():
    def judged(*windows):
        methods = {key: {key: list(windows) for key in pairs(FOUR_TASKS)} for key in SHOWN}
        return judge(33, ours(curves=[row for s in (NYUD, PASCAL) for row in curves(s, "gradient/cosine", methods)]))

    assert judged(-0.4, 0.05).word == "holds"  # the size counts, not the sign
    assert judged(0.05, 0.4).word == "fails"
    assert judged(0.2, 0.18).word == "undecided"
    assert judged(0.2) == ("not run", "needs a second window of the curves")


def test_claim_34_wants_related_tasks_aligned_in_every_window():
    related = ["semseg-human_parts", "semseg-edge", "human_parts-edge"]

    def judged(*values):
        cosines = {key: [0.0, 0.0] for key in pairs(FIVE_TASKS)} | {key: list(values) for key in related}
        methods = dict.fromkeys(SHOWN, cosines)
        return judge(34, ours(curves=[*five_tasks(), *curves(PASCAL, "gradient/cosine", methods)])).word

    assert judged(0.5, 0.3) == "holds"
    assert judged(0.5, -0.2) == "fails"


def test_claim_35_holds_where_good_methods_differ_more_than_uniform_does():
    def judged(uniform):
        means = dict(zip(SHOWN, (uniform, 0.1, 0.3, 0.5), strict=True))
        methods = {method: flat(pairs(FOUR_TASKS), value) for method, value in means.items()}
        return judge(35, ours(curves=[row for s in (NYUD, PASCAL) for row in curves(s, "gradient/cosine", methods)]))

    assert judged(0.2).word == "holds"
    assert judged(0.9).word == "fails"
    assert "NYUD R18 mean cosine Uniform 0.2, Grid Search 0.1" in judged(0.2).quantity


def test_claim_36_counts_small_dot_products():
    def judged(small):
        lines = five_tasks()
        for setting, tasks, count in ((NYUD, FOUR_TASKS, 3), (PASCAL, FIVE_TASKS, small)):
            names = pairs(tasks)
            windows = {key: [1.0, 1.0] for key in names} | {key: [0.0, 0.01] for key in names[:count]}
            lines += curves(setting, "gradient/dot", {UNIFORM: windows})
        return judge(36, ours(curves=lines))

    assert judged(8) == ("holds", "NYUD R18 at least 3 of 6 pairs; PASCAL R18 at least 8 of 10 pairs")
    assert judged(7).word == "fails"


def test_claim_37_has_no_rule_and_only_shows_numbers():
    lines = [
        row
        for setting in (NYUD, PASCAL)
        for row in curves(setting, "gradient/dot", {m: flat(pairs(FOUR_TASKS)) for m in GOOD})
    ]
    word, quantity = judge(37, ours(curves=lines))
    assert word == "undecided"
    assert quantity.startswith("no pass rule;")


def test_claim_38_reports_its_null_model():
    word, quantity = judge(38, alignment(uniform=0.9, good=0.5))
    assert word == "holds"
    assert "NYUD R18 Grid Search spread 0.8 then 0.1 around 0.5" in quantity
    assert "orthogonal gradients of equal norm give 1/sqrt(4) = 0.500" in quantity


def test_claim_38_fails_without_spread_under_uniform_or_far_from_a_half():
    assert judge(38, alignment(uniform=0.1, good=0.5)).word == "fails"
    assert judge(38, alignment(uniform=0.9, good=0.8)).word == "fails"
    assert judge(38, alignment(uniform=0.43, good=0.5)).word == "undecided"


def test_claim_39_looks_for_the_task_that_keeps_apart():
    def judged(outlier):
        even = flat(FIVE_TASKS, 0.45)
        methods = {
            UNIFORM: even | {"edge": [0.0, 0.0]},
            GRID: even | {outlier: [0.1, 0.1]},
            "CAGrad": even | {"saliency": [0.1, 0.1]},
            "NashMTL": even,
        }
        return judge(39, ours(curves=[*five_tasks(), *curves(PASCAL, "gradient/alignment", methods)])).word

    assert judged("normals") == "holds"
    assert judged("semseg") == "fails"


@pytest.mark.parametrize(("good", "uniform", "word"), [(1.5, 20, "holds"), (4, 20, "fails"), (1.5, 2, "fails")])
def test_claim_40_wants_level_norms_after_weighting(good, uniform, word):
    lines = []
    for method, largest in {UNIFORM: uniform, **dict.fromkeys(GOOD, good)}.items():
        norms = flat(FOUR_TASKS) | {"semseg": [1.0, float(largest)]}
        lines += curves(NYUD, "gradient/weighted_norm", {method: norms})
        lines += curves(NYUD, "gradient/norm", {method: flat(FOUR_TASKS) | {"semseg": [30.0, 30.0]}})
    found = judge(40, ours(curves=lines))
    assert found.word == word
    assert f"NYUD R18 Grid Search {good} (unweighted 30)" in found.quantity


def test_claim_41_excludes_normals_under_grid_search_only():
    def judged(method):
        lines = five_tasks()
        for name in SHOWN:
            apart = {"normals": [9.0, 9.0]} if name in (method, UNIFORM) else {}
            lines += curves(PASCAL, "gradient/weighted_norm", {name: flat(FIVE_TASKS) | apart})
            if name != UNIFORM:
                lines += curves(PASCAL, "gradient/norm", {name: flat(FIVE_TASKS)})
        return judge(41, ours(curves=lines)).word

    assert judged(GRID) == "holds"
    assert judged("NashMTL") == "fails"


def test_claim_42_holds_unless_ranks_agree():
    def judged(single):
        lines = []
        for setting in (NYUD, PASCAL):
            lines += curves(setting, "gradient/norm", {UNIFORM: norms((1, 2, 3, 4))})
            lines += curves(setting, "gradient/norm", {SINGLE: norms(single)})
        return judge(42, ours(curves=lines)).word

    assert judged((2, 4, 1, 3)) == "holds"
    assert judged((10, 20, 30, 40)) == "fails"
    assert judged((1, 2, 3)) == "not run"
    assert judged((2, 2, 2, 2)) == "undecided"


def test_claim_43_correlates_over_all_methods():
    def judged(sign):
        deltas, lines = {}, []
        for setting in (NYUD, PASCAL):
            deltas |= every_method(setting, **{method: [float(sign * place)] for place, method in enumerate(ROWS)})
            for place, method in enumerate(ROWS):
                norms = {"semseg": [1.0, 1.0], "edge": [1.0, 2.0 + place]}
                lines += curves(setting, "gradient/weighted_norm", {method: norms})
        return judge(43, ours(scores(deltas), lines))

    assert judged(-1) == ("holds", "NYUD R18 rho −1 over 14 methods; PASCAL R18 rho −1 over 14 methods")
    assert judged(1).word == "fails"


def test_claim_49_is_claim_38_under_avgnorm():
    windows = {"semseg": [0.9, 0.45], "depth": [0.1, 0.5]}
    found = judge(49, ours(curves=curves(NYUD, "gradient/alignment", {AVGNORM: windows})))
    assert found == ("holds", "NYUD R18 AvgNorm spread 0.8 then 0.05 around 0.475")


def test_claims_about_five_tasks_are_not_judged_on_four():
    lines = curves(PASCAL, "gradient/norm", {UNIFORM: flat(FOUR_TASKS)})
    for number in (34, 39, 41):
        assert judge(number, ours(curves=lines)) == ("not run", "needs human_parts and saliency on PASCAL R18")
    dots = curves(NYUD, "gradient/dot", {UNIFORM: {key: [0.0, 1.0] for key in pairs(FOUR_TASKS)}})
    assert judge(36, ours(curves=[*lines, *dots])).quantity.endswith("missing: human_parts and saliency on PASCAL R18")


def test_two_runs_with_curves_are_not_mixed():
    lines = curves(NYUD, "gradient/alignment", {AVGNORM: flat(FOUR_TASKS)})
    word, quantity = judge(49, ours(curves=[*lines, *lines]))
    assert word == "not run"
    assert quantity.startswith("needs a single run of AvgNorm on NYUD R18")
