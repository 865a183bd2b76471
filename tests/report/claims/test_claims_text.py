from pathlib import Path

import pandas as pd
import pytest
from made_up import NYUD, ROOMS, ours, scores

from mtl.report.claims.registry import read_claims
from mtl.report.claims.sources import paper_evidence
from mtl.report.claims.text import console, count_lines, markdown, verdicts

PAPER = Path(__file__).parents[3] / "results" / "paper"


@pytest.fixture(scope="module")
def paper():
    return paper_evidence(PAPER)


def judged(paper, evidence):
    return verdicts(read_claims(PAPER), paper, evidence)


def test_page_counts_verdicts_and_gives_every_claim_a_row(paper):
    text = markdown(judged(paper, ours(scores({(NYUD, "AvgNorm"): [0.5, 0.6, 0.4]}))), "python scripts/claims.py")
    assert "52 claims. On the paper's own numbers: 32 holds, 16 no data, 4 fails. On ours: 51 not run, 1 holds." in text
    for number in range(1, 53):
        assert f"\n| {number} | " in text
    assert "| **holds**: NYUD R18 AvgNorm +0.37 | **holds**: NYUD R18 AvgNorm +0.50 ± 0.10 |" in text
    assert "Made by `python scripts/claims.py`." in text


def test_a_dataset_that_stands_in_is_said_wherever_numbers_are(paper):
    evidence = ours(scores({(ROOMS, "AvgNorm"): [2.0]}), stand_in="rooms", backbone="ResNet-tiny")
    found = judged(paper, evidence)
    warning = "rooms ResNet-tiny stands in for every dataset; its numbers say nothing about the paper's"
    assert warning in count_lines(found)[-1]
    assert warning in console(found)
    assert warning in markdown(found, "")
    assert set(found["dataset"]) == {"rooms ResNet-tiny"}


def test_console_is_no_wider_than_120_and_tells_what_was_judged(paper):
    text = console(judged(paper, ours(scores({(NYUD, "AvgNorm"): [0.5, 0.6, 0.4]}))))
    table, said = text.split("\n\n")[1:]
    assert max(map(len, table.splitlines())) <= 120
    assert said == "46: NYUD R18 AvgNorm +0.50 ± 0.10"


def test_verdicts_are_a_frame_by_number(paper):
    found = judged(paper, ours())
    assert list(found.index) == list(range(1, 53))
    assert isinstance(found, pd.DataFrame)
    assert set(found["ours"]) == {"not run"}
