from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import CURVE_COLUMNS, ROOMS, every_method, judge, line, ours, scores

from mtl.report.claims import registry
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import PREDICATES, claim
from mtl.report.claims.settings import (
    AVGNORM,
    FIVE,
    FOUR,
    GRID,
    NYUD,
    NYUD_MTAN,
    NYUD_R50,
    PASCAL,
    PASCAL_MTAN,
    REPLICA,
    ROWS,
    SINGLE,
    STAND_INS,
    UNIFORM,
)
from mtl.report.claims.sources import paper_evidence
from mtl.report.names import SETTING
from mtl.report.read.scores import paper_scores

METHOD = "NashMTL"
PAPER = Path(__file__).parents[3] / "results" / "paper"


def verdict(number, deltas, **more):
    return judge(number, ours(scores(deltas), **more))


@pytest.mark.parametrize(
    ("values", "word", "quantity"),
    [
        ([0.5, 0.6, 0.4], "holds", "NYUD R18 AvgNorm +0.50 ± 0.10"),
        ([-0.5, -0.6, -0.4], "fails", "NYUD R18 AvgNorm −0.50 ± 0.10 (no)"),
        ([0.5, -0.6, 0.4], "undecided", "NYUD R18 AvgNorm +0.10 ± 0.61 (open)"),
        ([0.5], "undecided", "NYUD R18 AvgNorm +0.50 (open)"),
        ([1.5], "holds", "NYUD R18 AvgNorm +1.50"),
    ],
)
def test_verdict_follows_the_seeds(values, word, quantity):
    assert verdict(46, {(NYUD, AVGNORM): values}) == (word, quantity)


def test_what_was_not_run_is_named():
    assert verdict(46, {}) == ("not run", "needs AvgNorm on NYUD R18")
    assert verdict(4, {}) == ("not run", "needs Grid Search on NYUD R18, NYUD R50")
    alone = [line(NYUD, AVGNORM, 0, "semseg", 101.0)]
    assert judge(46, ours(alone)) == ("not run", "needs Single-task on NYUD R18")
    one_of_two = [*scores({(NYUD, AVGNORM): [1.0]}), line(NYUD, AVGNORM, 0, "edge", 101.0)]
    assert judge(46, ours(one_of_two)) == ("not run", "needs edge of Single-task on NYUD R18")


def test_single_task_networks_of_other_seeds_do_not_count():
    lines = [line(NYUD, SINGLE, 1, "semseg", 100.0), line(NYUD, AVGNORM, 0, "semseg", 101.0)]
    word, quantity = judge(46, ours(lines))
    assert word == "not run"
    assert quantity.startswith("needs a seed common to NYUD R18 AvgNorm semseg and")


def test_two_different_runs_of_one_row_are_not_mixed():
    lines = [*scores({(NYUD, AVGNORM): [1.0]}), line(NYUD, AVGNORM, 0, "semseg", 105.0)]
    assert judge(46, ours(lines)) == (
        "not run",
        "needs a single run of AvgNorm on NYUD R18: semseg has several per seed",
    )


def test_one_false_comparison_fails_a_claim_that_needs_all():
    deltas = {(NYUD, UNIFORM): [-3.0], (PASCAL, UNIFORM): [2.0], (NYUD_R50, UNIFORM): [-0.1]}
    word, quantity = verdict(1, deltas)
    assert word == "fails"
    assert quantity == "NYUD R18 Uniform −3.00; PASCAL R18 Uniform +2.00 (no); NYUD R50 Uniform −0.10 (open)"


def test_claim_about_several_settings_is_judged_on_those_that_were_run():
    found = registry.judge(1, ours(scores({(NYUD, UNIFORM): [-2.0], (PASCAL, UNIFORM): [-3.0]})))
    assert (found.word, found.settings, found.basis) == ("holds", "2 of 3", "2 of 3 settings, clear margin, 1 seed")
    assert found.quantity == (
        "NYUD R18 Uniform −2.00; PASCAL R18 Uniform −3.00; "
        "judged on NYUD R18, PASCAL R18 alone; missing: Uniform on NYUD R50"
    )
    every = {(setting, UNIFORM): [-2.0] for setting in (NYUD, PASCAL, NYUD_R50)}
    assert registry.judge(1, ours(scores(every))).settings == ""


def test_setting_without_all_methods_is_left_out_as_a_whole():
    clear = {method: [-2.0] for method in ROWS if method not in (GRID, METHOD)}
    deltas = every_method(NYUD, **clear, NashMTL=[2.0]) | {(NYUD_MTAN, m): [2.0] for m in (GRID, METHOD)}
    word, quantity = verdict(8, deltas)
    assert word == "holds"
    assert "margins of NashMTL +2.00; " in quantity
    assert quantity.endswith("; judged on NYUD R18 alone; missing: UW on PASCAL R18, NYUD MTAN, PASCAL MTAN, NYUD R50")


def test_each_part_of_a_claim_needs_a_setting():
    below_uniform = {(NYUD, "RLW"): [-3.0], (NYUD, UNIFORM): [0.0]}
    assert verdict(11, below_uniform).word == "not run"  # MGDA is judged on PASCAL alone
    assert verdict(14, every_method(NYUD)) == (
        "not run",
        "needs Uniform on PASCAL R18, NYUD MTAN",
    )


def test_studies_on_rooms_replace_the_papers_networks():
    pascal, replica = (ROOMS._replace(dataset=f"rooms-{name}") for name in ("PASCAL", "Replica"))
    deltas = {(ROOMS, AVGNORM): [2.0], (ROOMS, UNIFORM): [-2.0], (pascal, UNIFORM): [-3.0], (replica, UNIFORM): [-4.0]}
    evidence = ours(scores(deltas), stand_ins=STAND_INS["rooms"])
    assert judge(46, evidence) == ("holds", "rooms-NYUD tiny AvgNorm +2.00")
    assert judge(31, evidence) == ("holds", "rooms-Replica gap −4.00")
    assert judge(1, evidence).quantity.startswith("rooms-NYUD tiny Uniform −2.00; rooms-PASCAL tiny Uniform −3.00; ")
    assert judge(21, evidence).word == judge(20, evidence).word == "not run"  # InvPT's stand-in is for Replica alone


def test_mtan_on_rooms_is_compared_with_the_single_task_networks_of_its_own_encoder():
    narrow = ROOMS._replace(backbone="ResNet-narrow")
    mtan = narrow._replace(architecture="MTAN")
    lines = [
        *(line(ROOMS, SINGLE, 0, "semseg", 50.0), line(ROOMS, UNIFORM, 0, "semseg", 40.0)),
        *(line(narrow, SINGLE, 0, "semseg", 100.0), line(narrow, UNIFORM, 0, "semseg", 96.0)),
        *(line(mtan, SINGLE, 0, "semseg", 101.0), line(mtan, UNIFORM, 0, "semseg", 99.0)),
    ]
    evidence = ours(lines, stand_ins=STAND_INS["rooms"])
    assert evidence.delta(NYUD_MTAN, UNIFORM).values == pytest.approx({0: -1.0})
    improved = "rooms-NYUD MTAN Uniform −1.00 against rooms-NYUD narrow Uniform −4.00"
    assert judge(16, evidence).quantity.startswith(improved)
    assert judge(19, evidence).quantity.startswith("rooms-NYUD MTAN gap 1.98 against rooms-NYUD narrow gap 4.00")


def test_papers_own_runs_do_not_count_as_those_on_rooms():
    lines = scores({(NYUD_R50, UNIFORM): [-2.0], (NYUD, UNIFORM): [-2.0], (PASCAL, UNIFORM): [-2.0]})
    assert judge(1, ours(lines, stand_ins=STAND_INS["rooms"])).word == "not run"


@pytest.mark.parametrize(
    ("values", "test", "seeds", "wanted"),
    [
        ([0.5], "clear margin", "1", "two or more seeds of every run"),
        ([1.5], "clear margin", "1", ""),
        ([1.0, 2.0, 0.0], "paired t-test", "3", "about 10 seeds"),  # effect 1: power 0.8 at 10 pairs
        ([0.1, 2.0, -1.9], "paired t-test", "3", "more than 100 seeds"),
        ([0.0, 0.0], "agreement of the seeds", "2", "no number of seeds"),
        ([0.5, 0.6, 0.4], "paired t-test", "3", ""),
    ],
)
def test_verdict_says_how_it_was_decided_or_what_would_decide_it(values, test, seeds, wanted):
    found = registry.judge(46, ours(scores({(NYUD, AVGNORM): values})))
    assert (found.test, found.seeds, found.wanted) == (test, seeds, wanted)


def test_claim_7_allows_a_tie_with_nashmtl():
    steady = {"FairGrad": [3.0, 3.1, 2.9]}
    assert verdict(7, every_method(NYUD, **steady, NashMTL=[3.1, 2.9, 3.0])).word == "holds"
    assert verdict(7, every_method(NYUD, **steady, NashMTL=[4.0, 4.1, 3.9])).word == "fails"


def test_claim_8_fails_where_another_method_wins_everywhere_too():
    def everywhere(**deltas):
        return {key: value for setting in FIVE for key, value in every_method(setting, **deltas).items()}

    assert verdict(8, everywhere(NashMTL=[2.0], Grid_Search=[0.0])).word == "undecided"  # the others tie with it
    clear = {key: [-2.0] for key in (m for m in ROWS if m not in (GRID, METHOD))}
    assert verdict(8, everywhere(**clear, NashMTL=[2.0])).word == "holds"
    assert verdict(8, everywhere(**(clear | {"URL": [2.0]}), NashMTL=[2.0])).word == "fails"


def test_claim_9_counts_only_methods_that_are_surely_ahead():
    five_ahead = {key: [3.0] for key in ROWS[2:7]}
    below = {key: [-3.0] for key in ROWS[7:]}
    for ahead, word in ((dict(list(five_ahead.items())[:4]), "undecided"), (five_ahead, "fails")):
        deltas = {k: v for s in FIVE for k, v in every_method(s, **(ahead | below)).items()}
        assert verdict(9, deltas).word == word
    four = dict(list(five_ahead.items())[:4]) | below | {ROWS[6]: [-3.0], UNIFORM: [-3.0]}
    assert verdict(9, {k: v for s in FIVE for k, v in every_method(s, **four).items()}).word == "holds"


def test_claim_14_is_open_where_seeds_do_not_even_agree_with_each_other():
    order = dict(zip(ROWS, range(14), strict=True))
    agreeing = {m: [float(place), place + 0.1] for m, place in order.items()}
    contrary = {m: [-values[0], -values[1]] for m, values in agreeing.items()}
    noisy = {m: [float(place), float(13 - place)] for m, place in order.items()}

    def rows(nyud, pascal):
        pairs = {NYUD: nyud, NYUD_MTAN: nyud, PASCAL: pascal, PASCAL_MTAN: pascal}
        return {k: v for setting, own in pairs.items() for k, v in every_method(setting, **own).items()}

    assert verdict(14, rows(agreeing, contrary)).word == "holds"
    assert verdict(14, rows(agreeing, agreeing)).word == "fails"
    word, quantity = verdict(14, rows(agreeing, noisy))
    assert word == "undecided"
    assert "between seeds of a setting at least -1.00" in quantity


def test_claim_15_counts_networks_that_win_at_every_task():
    def judged(*, semseg, edge):
        deltas = {k: v for setting in FIVE for k, v in every_method(setting).items()}
        lines = scores(deltas, ("semseg", "edge"))
        won = {"semseg": semseg, "edge": edge}
        for row in lines:
            if row["method"] != SINGLE:
                row["value"] = 100.0 + won[row["task"]]
        return judge(15, ours(lines)).word

    assert judged(semseg=2.0, edge=-2.0) == "holds"
    assert judged(semseg=2.0, edge=2.0) == "fails"
    assert judged(semseg=2.0, edge=0.5) == "undecided"


def test_claims_28_and_31_use_the_settings_own_networks():
    noise = REPLICA._replace(operation="Noise")
    assert verdict(28, {(REPLICA, UNIFORM): [-3.0], (noise, UNIFORM): [-2.5]}).word == "holds"
    assert verdict(28, {(REPLICA, UNIFORM): [-3.0], (noise, UNIFORM): [-9.0]}).word == "fails"
    assert verdict(31, {(REPLICA, UNIFORM): [-3.0]}) == ("holds", "Replica gap −3.00")


def test_claim_44_allows_avgnorm_slightly_below():
    close = {(s, m): values for s in FOUR for m, values in ((AVGNORM, [0.9, 0.91, 0.89]), (GRID, [1.0, 1.0, 1.0]))}
    assert verdict(44, close).word == "holds"
    assert verdict(44, close | {(NYUD, AVGNORM): [0.5, 0.51, 0.49]}).word == "fails"


def test_claim_48_compares_mean_weights_task_by_task():
    def judged(avgnorm):
        tasks = {"semseg": 1, "human_parts": 2, "edge": 50}
        lines = [
            line(setting, method, 0, task, 100.0, weight=weight)
            for setting in FOUR
            for method, own in ((GRID, tasks), (AVGNORM, dict(zip(tasks, avgnorm, strict=True))))
            for task, weight in own.items()
        ]
        return judge(48, ours(lines))

    assert judged((2, 4, 150)).word == "holds"
    assert judged((2, 12, 150)).word == "fails"
    assert "human_parts a factor 3.0 off (no)" in judged((2, 12, 150)).quantity
    assert judged((2, 1.9, 150)).word == "fails"  # segmentation has to be the smallest


def test_claim_50_compares_the_last_layer_with_all_shared_parameters():
    shared = (NYUD, AVGNORM, "scope shared")
    last = {(NYUD, AVGNORM): [1.0, 1.1, 1.05]}
    assert verdict(50, last) == ("not run", "needs AvgNorm scope shared on NYUD R18")
    assert verdict(50, last | {shared: [1.01, 1.12, 1.06]}).word == "holds"
    assert verdict(50, last | {shared: [3.0, 3.1, 3.05]}).word == "fails"
    assert verdict(50, last | {shared: [1.01]}).word == "undecided"


def test_claim_51_compares_step_times():
    def judged(seconds):
        methods = dict(zip((UNIFORM, AVGNORM, "CAGrad", METHOD), seconds, strict=True))
        lines = [
            line(NYUD, method, 0, "semseg", 100.0, seconds=own, memory=1000.0, passes=1)
            for method, own in methods.items()
        ]
        return judge(51, ours(lines))

    assert judged((1.0, 1.1, 2.0, 2.5)).word == "holds"
    assert "AvgNorm +10.00 % time, +0.00 % memory, 1 encoder passes" in judged((1.0, 1.1, 2.0, 2.5)).quantity
    assert judged((1.0, 1.1, 1.05, 2.5)).word == "fails"
    assert judged((1.0, 1.1, 1.105, 2.5)).word == "undecided"


def test_claim_51_does_not_compare_machines():
    lines = [
        line(NYUD, method, 0, "semseg", 100.0, seconds=1.0, device="cuda" if method == AVGNORM else "cpu")
        for method in (UNIFORM, AVGNORM, "CAGrad", METHOD)
    ]
    assert judge(51, ours(lines)) == ("not run", "needs seconds of AvgNorm and Uniform measured alike on NYUD R18")


def test_claim_51_compares_within_seeds_that_ran_on_one_machine():
    lines = [
        line(NYUD, method, seed, "semseg", 100.0, seconds=own * (1 + seed), memory=1.0, passes=1, device=device)
        for method, own in {UNIFORM: 1.0, AVGNORM: 1.1, "CAGrad": 2.0, METHOD: 2.5}.items()
        for seed, device in enumerate(("cpu", "cuda", "cuda" if method == UNIFORM else "cpu"))
    ]
    lines[5] |= {"seconds": 9.0}  # AvgNorm and Uniform at seed 2 ran on two machines
    found = judge(51, ours(lines))
    assert found.word == "holds"
    assert "AvgNorm +10.00 ± 0.00 % time" in found.quantity


def test_claim_52_needs_a_clear_difference():
    inverse = {(NYUD, "InverseNorm"): [1.0, 1.1, 1.2]}
    assert verdict(52, {(NYUD, AVGNORM): [2.0, 2.1, 2.25]} | inverse).word == "holds"
    assert verdict(52, {(NYUD, AVGNORM): [1.01, 1.12, 1.2]} | inverse).word == "fails"


def test_a_claim_has_one_predicate():
    with pytest.raises(ValueError, match="claim 1 has two predicates: uniform_is_worse"):
        claim(1)(lambda evidence: None)
    assert len(PREDICATES) == 52


def as_three_seeds(noise):
    """The paper's tables as three synthetic seeds with relative noise."""
    rows = paper_scores(PAPER).sort_values("weight", kind="stable")  # reprints give the weights too
    rows = rows.drop_duplicates([*SETTING, "method", "task"])
    seeds = [
        rows.assign(seed=seed, value=rows["value"] * random) for seed, random in enumerate(_around_one(noise, rows))
    ]
    return pd.concat(seeds)


def _around_one(noise, rows):
    return 1 + noise * np.random.default_rng(0).standard_normal((3, len(rows)))


@pytest.fixture(scope="module")
def tables():
    return [*range(1, 16), *range(22, 32), *range(44, 49)]  # claims on tables only


def test_the_papers_numbers_over_quiet_seeds_give_the_papers_verdicts(tables):
    evidence = Evidence(as_three_seeds(noise=1e-4), pd.DataFrame(columns=CURVE_COLUMNS))
    paper = paper_evidence(PAPER)
    different = {n: judge(n, evidence) for n in tables if judge(n, evidence).word != judge(n, paper).word}
    assert set(different) <= {5}  # PASCAL's edges gain exactly the required 3.0 points


def test_the_same_numbers_over_noisy_seeds_leave_small_effects_undecided(tables):
    evidence = Evidence(as_three_seeds(noise=0.02), pd.DataFrame(columns=CURVE_COLUMNS))
    words = {n: judge(n, evidence).word for n in tables}
    assert words[8] == words[9] == words[44] == "undecided"
    assert words[27] == "holds"  # noisy labels cost 17 points
    assert "not run" not in words.values()
