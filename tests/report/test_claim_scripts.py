import pandas as pd
import pytest

from mtl.report.read.curves import windowed
from mtl.report.read.summary import summary


def test_check_paper_prints_and_writes_its_list(run_script, tmp_path):
    _, out, _ = run_script("check_paper", f"results={tmp_path}")
    assert "17 do not match" in out
    assert "| III/NYUD-v2/URL | +1.91 | +2.395 |" in (tmp_path / "tables" / "check_paper.md").read_text()


def test_claims_reads_summaries_of_runs_and_writes_table_and_csv(run_script, two_seeds, tmp_path):
    folder = tmp_path / "summary"
    folder.mkdir()
    for run in two_seeds:
        run.config["dataset"]["name"], run.config["backbone"]["name"] = "rooms_nyud", "resnet_tiny"
    summary(two_seeds).to_csv(folder / "study_rooms_nyud.csv", index=False)
    windowed(two_seeds, width=10).to_csv(folder / "study_rooms_nyud_curves.csv", index=False)
    _, out, _ = run_script("claims", f"results={tmp_path}", "dataset=rooms")
    # gains +5, +20 and 0, +10
    assert "46 (paired t-test, 2 seeds): rooms-NYUD tiny AvgNorm +8.75 ± 5.30 (open)" in out
    text = (tmp_path / "tables" / "claims.md").read_text(encoding="utf-8")
    assert "rooms-NYUD ResNet-tiny Vanilla for NYUD-v2 ResNet-18 Vanilla" in text
    assert "`python scripts/claims.py results=" in text
    found = pd.read_csv(folder / "claims.csv", index_col="number")
    assert found.loc[46, "ours"] == "undecided"
    assert found.loc[46, "paper"] == "holds"
    assert found.loc[42, "ours_quantity"] == (
        "rooms-NYUD tiny rho +nan, p nan over 2 (open)"  # single-task norms are all 1
        "; judged on rooms-NYUD tiny alone; missing: gradient/norm of Single-task on rooms-PASCAL tiny"
    )
    assert len(found) == 52


def test_claims_can_be_judged_again_next_to_their_own_csv(run_script, tmp_path):
    for _ in range(2):
        assert run_script("claims", f"results={tmp_path}")[0] == 0
    assert set(pd.read_csv(tmp_path / "summary" / "claims.csv")["ours"]) == {"not run"}


@pytest.mark.parametrize(
    ("name", "word"), [("claims", "seed=1"), ("check_paper", "dataset=rooms"), ("claims", "dataset=x")]
)
def test_bad_word_is_one_line_and_exit_code_1(run_script, name, word):
    code, out, line = run_script(name, word)
    assert (code, out, line.count("\n")) == (1, "", 1)
    assert line.startswith("error: ")
