from pathlib import Path

import pandas as pd
import pytest

from mtl.report.misprints import HIGHER_IS_BETTER, check, console, count_line, markdown, read_tables

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "golden" / "paper" / "delta_check.csv"
SPELLED = {"MISMATCH": "misfit"}


@pytest.fixture
def tables():
    return read_tables(ROOT / "results" / "paper")


@pytest.fixture
def pencil():
    """Two rows of a synthetic table: M is +10 for segmentation, +20 for depth, -10 for edge."""
    rows = {"single": ["40.00", "0.5000", "50.00", "+0.00"], "ours": ["44.00", "0.4000", "45.00", "+6.67"]}
    columns = ["seg_miou", "depth_rmse", "edge_odsf", "delta_m_printed"]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    empty = dict.fromkeys(HIGHER_IS_BETTER.keys() - columns, "")
    return frame.assign(**empty, method=frame.index, baseline_row_id="single")


def by_row(tables):
    return {finding.row: finding for finding in check(tables)}


def test_delta_m_and_its_interval_by_hand(pencil):
    finding = by_row(pencil)["ours"]
    assert finding.recomputed == pytest.approx(20 / 3)
    gains = [43.995 / 40.005 - 1, 1 - 0.40005 / 0.49995, 44.95 / 50.05 - 1]
    assert finding.low == pytest.approx(100 * sum(gains) / 3 - 0.005)
    assert finding.verdict == "ok"
    assert by_row(pencil)["single"][2:5] == (0, 0, 0)


@pytest.mark.parametrize(("printed", "verdict"), [("+6.68", "ok"), ("+6.70", "rounding"), ("+7.00", "misfit")])
def test_verdict_of_a_printed_delta_m(pencil, printed, verdict):
    pencil.loc["ours", "delta_m_printed"] = printed
    assert by_row(pencil)["ours"].verdict == verdict


def test_single_digit_that_was_misprinted_is_found(pencil):
    pencil.loc["ours", "depth_rmse"] = "0.4700"
    finding = by_row(pencil)["ours"]
    assert finding.verdict == "misfit"
    assert "depth_rmse 0.4700 -> 0.4000 (+6.667)" in finding.hints


def test_edge_is_repaired_at_its_own_resolution_only(pencil):
    pencil.loc["ours", "delta_m_printed"] = "+6.81"  # 45.21 would fit best
    hints = [hint for hint in by_row(pencil)["ours"].hints if hint.startswith("edge")]
    assert hints == ["edge_odsf 45.00 -> 45.20 (+6.800)"]


def test_a_row_with_the_cells_of_another_is_named(pencil):
    pencil.loc["twin"] = pencil.loc["ours"]
    pencil.loc["twin", ["edge_odsf", "delta_m_printed"]] = ["40.00", "+9.00"]
    assert "2 of 3 cells as in ours" in by_row(pencil)["twin"].hints


def test_all_141_rows_agree_with_the_independent_check(tables):
    reference = pd.read_csv(REFERENCE).set_index("row_id")
    found = by_row(tables)
    assert list(found) == list(reference.index)
    for row, expected in reference.iterrows():
        finding = found[row]
        assert finding.verdict == SPELLED.get(expected["verdict"], expected["verdict"]), row
        numbers = [finding.recomputed, finding.difference, finding.low, finding.high]
        wanted = expected[["recomputed", "printed_minus_recomputed", "low", "high"]].tolist()
        assert numbers == pytest.approx(wanted, abs=6e-4), row


def test_seventeen_of_the_paper_do_not_match_and_one_of_them_is_a_reprint(tables):
    findings = check(tables)
    assert count_line(findings) == (
        "141 printed Delta_m values: 122 match their cells within 0.02, 2 more can be explained by rounding, "
        "17 do not match (1 of them reprinted from another table)."
    )
    hints = {finding.row: finding.hints for finding in findings}
    assert hints["II/NYUD-v2/MTAN/CAGrad"] == ("depth_rmse 0.6077 -> 0.6047 (+1.003)",)
    assert hints["II/PASCAL-Context/MTAN/FairGrad"] == ("4 of 5 cells as in II/PASCAL-Context/Vanilla/FairGrad",)
    assert hints["III/NYUD-v2/NashMTL"][-1] == "delta_m +0.62 -> +0.92"
    assert hints["III/NYUD-v2/URL"] == hints["IV/PASCAL-Context/DINO/Grid Search"] == ()


def test_a_changed_cell_changes_the_list(tables):
    tables.loc["II/NYUD-v2/MTAN/CAGrad", "depth_rmse"] = "0.6047"
    assert by_row(tables)["II/NYUD-v2/MTAN/CAGrad"].verdict == "ok"
    tables.loc["V/Replica/noise/Multi-task", "seg_miou"] = "43.72"
    changed = by_row(tables)["V/Replica/noise/Multi-task"]
    assert changed.verdict == "misfit"
    assert "V/Replica/noise/Multi-task" in markdown(check(tables))


def test_page_and_console_list_only_rows_that_do_not_match(tables):
    findings = check(tables)
    for text in (console(findings), markdown(findings)):
        assert "III/NYUD-v2/FairGrad" in text
        assert "+0.76" in text
        assert "+1.079" in text
        assert "III/NYUD-v2/CAGrad" not in text
    assert markdown(findings).count("| misfit |") == 17
    assert markdown(findings).count("| rounding |") == 2


def test_a_changed_baseline_moves_every_row_relative_to_it(tables):
    before = sum(finding.verdict == "misfit" for finding in check(tables))
    tables.loc["V/Replica/clean/Single-task", "depth_rmse"] = "0.4538"
    assert sum(finding.verdict == "misfit" for finding in check(tables)) == before + 15
