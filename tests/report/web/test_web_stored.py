from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_folder import rows_of, summary_of, write_experiment

from mtl.report.render.text import blocks, notes
from mtl.report.web.origins import facts, origins, seeds_of
from mtl.report.web.stored import metrics_of, read_lines, read_remarks, read_table

TABLES = sorted((Path(__file__).parents[3] / "results" / "tables").glob("*_*.csv"))
STORED = [path for path in TABLES if not path.stem.endswith("_statistics")]
NONE = pd.DataFrame({"task": [], "metric": []})


@pytest.fixture
def rows():
    return [
        row for row in rows_of("II", "NYUD-v2") if row[2] == "Vanilla" and row[5] in ("Single-task", "Uniform", "UW")
    ]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_every_table_and_summary_of_the_repository_can_be_read(path):
    assert len(read_table(path))
    assert len(read_lines(path.parents[1] / "summary" / path.name))


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_table_read_back_prints_as_written(tmp_path, rows, seeds):
    written = write_experiment(tmp_path, "table2_nyud", "II", rows, summary_of(rows, seeds))
    table = read_table(tmp_path / "tables" / "table2_nyud.csv")
    metrics = metrics_of(table, read_lines(tmp_path / "summary" / "table2_nyud.csv"), NONE)
    assert metrics["depth"] == ("rmse", False)
    assert blocks(table, metrics, "pipe") == blocks(written, metrics, "pipe")


def test_metrics_of_tasks_without_a_run_are_the_papers(tmp_path, rows):
    write_experiment(tmp_path, "t", "II", rows, summary_of(rows, [0]))
    paper = pd.DataFrame({"task": ["semseg", "edge"], "metric": ["miou", "ods_f"]})
    found = metrics_of(read_table(tmp_path / "tables" / "t.csv"), pd.DataFrame(), paper)
    assert found == {"semseg": ("miou", True), "edge": ("ods_f", True)}


def test_notes_of_an_experiment_are_separated_from_general_notes(tmp_path, rows):
    remarks = ["It tests the chain.", "Values: one seed.", "Bold: best."]
    table = write_experiment(tmp_path, "t", "II", rows, summary_of(rows, [0]), remarks)
    assert read_remarks(tmp_path / "tables" / "t.md", table) == (remarks[:1], remarks[1:])
    assert read_remarks(tmp_path / "none.md", table) == ([], notes(table, "the single-task networks"))


def test_origins_join_seeds_of_a_network_and_networks_of_a_row(rows, tmp_path):
    lines = summary_of(rows, [1, 0]).astype({"seed": str, "steps": str})
    found = origins(lines, tmp_path / "records" / "t")
    assert list(found) == rows
    assert [network.tasks for network in found[rows[0]].networks] == ["semseg", "depth", "normals", "edge"]
    (network,) = found[rows[1]].networks
    assert (network.tasks, network.seeds) == ("semseg, depth, normals, edge", "0, 1")
    assert network.command.endswith("seed=1")  # the first one listed


def test_facts_name_each_value_once_and_what_is_missing():
    lines = pd.DataFrame({"seed": ["10", "9", "9"], "commit": ["0123456789abc", "", "0123456789abc"], "steps": "40"})
    lines = lines.assign(device=["cpu", "cuda", "cpu"], protocol="")
    known = dict(facts(lines))
    assert known == {"commit": "0123456789", "device": "cpu, cuda", "protocol": "none recorded", "steps": "40"}
    assert seeds_of(lines) == "9, 10"
    lines["protocol"] = ["edge=rooms", "normals=marked edge=rooms", ""]
    assert dict(facts(lines))["protocol"] == "edge=rooms, normals=marked"


def test_summary_that_is_missing_has_no_lines(tmp_path):
    assert read_lines(tmp_path / "none.csv").empty
    assert origins(read_lines(tmp_path / "none.csv"), tmp_path / "records" / "t") == {}


def test_column_without_numbers_is_empty_and_not_missing(tmp_path, rows):
    write_experiment(tmp_path, "t", "II", rows, summary_of(rows, [0]))
    assert np.isnan(read_table(tmp_path / "tables" / "t.csv")["std", "depth"]).all()  # one seed
