"""The benchmark of training measures every architecture, and its table names the weighters."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

from mtl.bench import cost

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture
def bench(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    names = runpy.run_path(str(SCRIPTS / "bench_train.py"))
    found = {"batch": 2, "height": 64, "width": 96, "workers": 0, "steps": 1, "weighter_share": 0.5, "data_share": 0.25}
    monkeypatch.setattr(cost, "in_new_process", lambda _, row, *rest: row._asdict() | found)
    monkeypatch.setitem(names["main"].__globals__, "SUMMARY", tmp_path / "out.csv")
    return names


def test_every_architecture_is_measured_on_both_devices(bench):
    models = {path.stem for path in (SCRIPTS.parent / "configs/model").glob("*.yaml")}
    variants = {"atrc_labels", "atrc_nyud", "atrc_pascal", "taskprompter_nyud", "taskprompter_pascal"}
    assert set(bench["ARCHITECTURES"]) == set(bench["SMALL"]) == models - variants - {"sak"}  # sak needs teachers


def test_table_has_weighter_and_its_share(bench, capsys, tmp_path):
    bench["main"]({"device": "cpu", "only": "vanilla", "steps": 1})
    printed = capsys.readouterr().out
    assert printed.count("uniform") == printed.count("avgnorm") == 2
    assert "weighter share" in printed
    assert list(pd.read_csv(tmp_path / "out.csv")["weighter"]) == ["uniform", "avgnorm"] * 2
