from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up import CURVE_COLUMNS, ROOMS, every_method, line, ours, scores

from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import PREDICATES, claim, judge
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
    assert verdict(1, {(NYUD, UNIFORM): [-2.0]}) == ("not run", "needs Uniform on PASCAL R18")
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


def test_rooms_can_replace_every_dataset_and_its_small_backbone_resnet18():
    evidence = ours(scores({(ROOMS, AVGNORM): [2.0]}), stand_in="rooms", backbone="ResNet-tiny")
    assert judge(46, evidence) == ("holds", "rooms ResNet-tiny AvgNorm +2.00")
    assert judge(17, evidence) == ("not run", "needs a second dataset: rooms is used for both")
    assert judge(31, evidence) == ("not run", "needs Uniform on rooms InvPT")


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
    assert judge(51, ours(lines)) == ("not run", "needs step times from one kind of device, not from cpu and cuda")


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
