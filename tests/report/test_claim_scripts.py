import runpy
from pathlib import Path

import pandas as pd
import pytest

from mtl.report.read.curves import windowed
from mtl.report.read.summary import summary

SCRIPTS = Path(__file__).parents[2] / "scripts"


def main(name):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"))["main"]


def test_check_paper_prints_and_writes_its_list(tmp_path, capsys):
    main("check_paper")([f"results={tmp_path}"])
    assert "17 do not fit" in capsys.readouterr().out
    assert "| III/NYUD-v2/URL | +1.91 | +2.395 |" in (tmp_path / "tables" / "check_paper.md").read_text()


def test_claims_reads_summaries_of_runs_and_writes_table_and_csv(two_seeds, tmp_path, capsys):
    folder = tmp_path / "summary"
    folder.mkdir()
    summary(two_seeds).to_csv(folder / "table2_rooms.csv", index=False)
    windowed(two_seeds, width=10).to_csv(folder / "table2_rooms_curves.csv", index=False)
    main("claims")([f"results={tmp_path}", "dataset=rooms", "backbone=tiny"])
    assert "46: rooms tiny AvgNorm +8.75 ± 5.30 (open)" in capsys.readouterr().out  # gains +5, +20 and 0, +10
    text = (tmp_path / "tables" / "claims.md").read_text(encoding="utf-8")
    assert "rooms tiny stands in for every dataset" in text
    assert "`python scripts/claims.py results=" in text
    found = pd.read_csv(folder / "claims.csv", index_col="number")
    assert found.loc[46, "ours"] == "undecided"
    assert found.loc[46, "paper"] == "holds"
    assert found.loc[42, "ours_quantity"] == "rooms tiny rho +nan, p nan over 2 (open)"  # single-task norms are all 1
    assert len(found) == 52


def test_claims_may_be_judged_again_beside_their_own_csv(tmp_path):
    for _ in range(2):
        main("claims")([f"results={tmp_path}"])
    assert set(pd.read_csv(tmp_path / "summary" / "claims.csv")["ours"]) == {"not run"}


@pytest.mark.parametrize(
    ("name", "word"), [("claims", "seed=1"), ("check_paper", "dataset=rooms"), ("claims", "dataset=x")]
)
def test_unknown_word_is_one_line_and_exit_code_1(name, word):
    with pytest.raises(SystemExit) as refused:
        main(name)([word])
    assert isinstance(refused.value.code, str)  # what Python prints before it exits with 1
    assert "\n" not in refused.value.code
