from pathlib import Path

import pytest

from mtl.report.claims.registry import PREDICATES, judge, read_claims
from mtl.report.claims.settings import GRID, NYUD, NYUD_MTAN, PASCAL, PASCAL_MTAN, SINGLE, UNIFORM, initialized
from mtl.report.claims.sources import paper_evidence

PAPER = Path(__file__).parents[3] / "results" / "paper"
FAILS = {14, 25, 30, 48}
NO_DATA = {*range(32, 44), *range(49, 53)}

# Required text of a claim's quantity, as printed in the paper or recomputed from its cells.
SAID = {
    1: ["R18 Uniform −2.93", "PASCAL R18 Uniform −4.04", "R50 Uniform −0.22"],
    2: ["depth +1.33", "normals −6.52", "edge −7.32", "normals −9.66", "edge −6.58", "semseg −0.11"],
    3: ["−0.14 against Uniform −2.93", "−2.78 (printed −2.64) against Uniform −4.04", "+0.60 against Uniform −0.22"],
    4: ["NYUD R18 Grid Search −0.14", "NYUD R50 Grid Search +0.60"],
    5: ["Uniform semseg 66.52 against Grid Search semseg 65.10", "ViT-B normals and edge in 13 of 14 pairs"],
    6: ["FairGrad +0.60", "NashMTL +0.36 against Uniform −2.93"],
    7: ["FairGrad +0.60; above 12 of 12 others; NashMTL +0.36"],
    8: [
        "recomputed margins of NashMTL +0.50, +0.81 (printed +0.24), +0.25, +0.47, +0.31 (printed +0.02); above",
        "printed margins of NashMTL +0.50, +0.24, +0.25, +0.48, +0.02; above it also PCGrad in 1 of 5",
        "URL in 3 of 5, FairGrad in 2 of 5",
    ],
    9: ["recomputed ranks [3, 3, 3, 2, 4]", "printed ranks [3, 3, 3, 2, 5]"],
    10: ["72.80 against", "66.60 against", "73.90 against", "68.30 against", "not counted: NYUD R50 CAGrad edge 74.60"],
    11: [
        "PASCAL R18 MGDA −7.20 below 13 of 13",
        "PASCAL MTAN MGDA −5.75 below 13 of 13",
        "+0.31 against Uniform +0.70",
    ],
    12: ["normals 13.95 better than 13 of 13", "semseg 61.48 worse", "human_parts 54.41 worse than 13 of 13"],
    13: ["NYUD R50 higher for 12 of 12 methods", "NYUD MTAN higher for 12 of 12 methods", "(+0.82): 11 of 12"],
    14: ["recomputed rho vanilla +0.82, MTAN +0.28", "printed rho vanilla +0.83, MTAN +0.35"],
    15: ["NYUD R18 0 of 14", "PASCAL R18 0 of 14", "NYUD MTAN 0 of 14", "PASCAL MTAN 0 of 14", "NYUD R50 0 of 14"],
    16: [
        "+0.70 against NYUD R18 Uniform −2.93",
        "−1.68 against PASCAL R18 Uniform −4.04",
        "no number for Uniform on NYUD",
    ],
    17: ["NYUD MTI-Net Uniform +3.66", "PASCAL MTI-Net Uniform −1.75"],
    18: ["+3.66 against Single-task +3.45 (no), not counted", "InvPT gap −3.74", "InvPT gap −6.05"],
    19: [
        "3.74 against NYUD ViT-T/16 gap 6.77",
        "6.05 against PASCAL ViT-T/16 gap 8.37",
        "2.11 against PASCAL R18 gap 4.04",
    ],
    20: ["−6.77 against NYUD R18 gap −2.93", "−8.37 against PASCAL R18 gap −4.04"],
    21: ["Grid Search +1.30 against Uniform +0.70", "Grid Search −1.23 against Uniform −1.68"],
    22: ["CLIP +10.46, SAM +8.78, DINO +3.37, DINO-v2 +20.60", "ImageNet-21K +5.17, ImageNet-22K +5.47, CLIP +6.81"],
    23: ["28 of 28 below 0: Uniform from −1.98 to −5.39", "Grid Search from −1.07 to −5.60 (PASCAL DINO)"],
    24: ["NYUD-v2 rho +0.14, p 0.76 over 7", "DINO-v2 gap 3.22", "DINO-v2 gap 5.05"],
    25: [
        "recomputed 13 of 14 above Uniform (PASCAL DINO Grid Search −3.18 (printed −1.30) against Uniform −1.42",
        "printed 14 of 14 above Uniform",
        "spread of M smaller in 14 of 14",
    ],
    26: ["NYUD SAM Uniform edge 76.00 best: 6 of 6", "PASCAL SAM Uniform edge 71.60", "semseg 70.70 worst: 6 of 6"],
    27: ["−17.46", "−19.69"],
    28: ["gap 2.77 against Replica gap 3.21", "semseg −10.25, depth +1.66, normals +0.27"],
    29: ["−0.54, −0.99, −2.92, −1.10, −0.19, −1.76", "−3.59, −6.38, −14.94, −6.82, −7.03, −13.63 against −3.21"],
    30: ["scans 3.11 (no)", "scans 5.49", "scans 12.06", "scenes 5.83", "scenes 7.09", "1 scene 12.13"],
    31: ["Replica gap −3.21"],
    38: ["about 0.5", "1/sqrt(4) = 0.500 and 1/sqrt(5) = 0.447"],
    44: ["+0.37 against Grid Search −0.14", "−2.38 against Grid Search −2.78 (printed −2.64)", "−0.43 against"],
    45: ["+0.37 against Uniform −2.93", "−2.38 against Uniform −4.04"],
    46: ["NYUD R18 AvgNorm +0.37"],
    47: ["−0.43 above 14 of 14, then NashMTL −0.75", "below URL +1.60, NashMTL +1.55", "NashMTL −1.97 (printed −2.40)"],
    48: [
        "1 : 2.02 : 3.25 : 93.4",
        "1 : 1.5 : 4.06 : 1.39 : 47.6 against 1 : 2 : 5 : 5 : 50, saliency a factor 3.6 off (no)",
    ],
}


@pytest.fixture(scope="module")
def paper():
    return paper_evidence(PAPER)


def test_every_claim_has_one_predicate_and_one_line_of_data():
    claims = read_claims(PAPER)
    assert sorted(PREDICATES) == list(claims.index) == list(range(1, 53))
    assert (claims != "").all().all()
    assert [group[0] for group in dict.fromkeys(claims["group"])] == list("ABCDEFG")


@pytest.mark.parametrize("number", range(1, 53))
def test_verdict_on_the_papers_own_numbers(paper, number):
    expected = "fails" if number in FAILS else "no data" if number in NO_DATA else "holds"
    verdict = judge(number, paper)
    assert verdict.word == expected, verdict
    for words in SAID.get(number, ["needs "]):
        assert words in verdict.quantity


@pytest.mark.parametrize(("setting", "gap"), [(NYUD, -2.93), (NYUD_MTAN, -0.13), (PASCAL, -4.04), (PASCAL_MTAN, -2.12)])
def test_gap_is_what_sharing_costs(paper, setting, gap):
    assert paper.gap(setting).mean == pytest.approx(gap, abs=0.02)


def test_delta_m_uses_the_papers_baseline(paper):
    assert paper.delta(NYUD_MTAN, SINGLE).mean == pytest.approx(0.82, abs=0.005)
    assert paper.delta(initialized("NYUD-v2", "DINO-v2"), SINGLE).mean == pytest.approx(20.60, abs=0.005)


def test_both_readings_of_a_delta_m(paper):
    recomputed, printed = (delta(PASCAL, GRID).mean for delta in paper.readings().values())
    assert recomputed == pytest.approx(-2.778, abs=5e-4)
    assert printed == -2.64
    assert str(paper.delta(PASCAL, UNIFORM)) == "−4.04"
