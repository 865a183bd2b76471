import runpy
from pathlib import Path

import pytest

from mtl import build

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def demo(make_run, tmp_path):
    """Runs of the demo's own config, on two tasks, and the words that find them."""
    words = ["experiment=demo", "subset=[semseg,depth]"]
    for weighter in ("uniform", "grid_search", "avgnorm"):
        config = build.science(build.compose([*words, f"weighter={weighter}"]))
        make_run(weighter, {"semseg": 42, "depth": 0.4}, config=config)
    config = build.science(build.compose(["experiment=demo", "subset=semseg"]))
    make_run("uniform", {"semseg": 40}, config=config)
    return [*words, f"results={tmp_path}"]


def test_table_script_prints_and_writes_table_and_summary(demo, tmp_path, capsys):
    runpy.run_path(str(SCRIPTS / "table.py"))["main"](demo)
    printed = capsys.readouterr().out
    assert f"python train.py experiment=demo results={tmp_path} subset=depth seed=0" in printed
    assert max(map(len, printed.splitlines()[:-1])) <= 120
    assert "| AvgNorm " in (tmp_path / "tables" / "demo.md").read_text(encoding="utf-8")
    assert len((tmp_path / "summary" / "demo.csv").read_text().splitlines()) == 5


def test_figure_script_writes_the_figure(demo, tmp_path):
    runpy.run_path(str(SCRIPTS / "figure.py"))["main"](demo)
    assert (tmp_path / "figures" / "demo.png").stat().st_size > 20_000
