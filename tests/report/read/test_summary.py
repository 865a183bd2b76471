import io

import pandas as pd

from mtl.report.read.summary import summary


def test_every_run_is_one_line_with_all_its_numbers(make_run):
    runs = [
        make_run("uniform", {"edge": 61.5}, seed=2),
        make_run("avgnorm", {"semseg": 40, "edge": 60}, last={"semseg": 39, "edge": 59}),
        make_run("uniform", {"semseg": 38, "edge": 50}),
    ]
    lines = pd.read_csv(io.StringIO(summary(runs).to_csv(index=False)), keep_default_na=False, dtype=str)
    assert lines["weighter"].tolist() == ["uniform", "uniform", "avgnorm"]
    assert lines["tasks"].tolist() == ["semseg+edge", "edge", "semseg+edge"]
    assert lines.loc[1, ["run", "hash", "seed"]].tolist() == [
        "rooms_tiny_vanilla_uniform_edge-00000001",
        "00000001",
        "2",
    ]
    assert lines.loc[1, ["best/semseg/miou", "best/edge/ods_f"]].tolist() == ["", "61.5"]
    assert lines.loc[2, ["best/edge/ods_f", "last/edge/ods_f", "best/step", "last/step"]].tolist() == [
        "60.0",
        "59.0",
        "10",
        "20",
    ]
    assert lines.loc[2, ["weight/edge", "step_cpu_seconds", "peak_memory_mib"]].tolist() == ["1.0", "0.1", "200.0"]
    assert lines.loc[2, ["device", "threads", "commit", "protocol"]].tolist() == [
        "cpu (x86_64)",
        "1",
        "0123456789abcdef",
        "edge=rooms",
    ]


def test_line_names_its_table_row(make_run):
    runs = [make_run("uniform", {"edge": 61.5}), make_run("gradnorm", {"semseg": 40, "edge": 60})]
    lines = summary(runs, {runs[1].folder.parent.name: "alpha 0.5"})
    columns = ["dataset", "backbone", "architecture", "initialization", "operation", "method", "variant"]
    assert lines.loc[0, columns].tolist() == ["rooms", "tiny", "Vanilla", "", "", "Single-task", ""]
    assert lines.loc[1, columns].tolist() == ["rooms", "tiny", "Vanilla", "", "", "GradNorm", "alpha 0.5"]
    assert lines["command"].tolist()[0] == "python train.py weighter=uniform subset=[edge] seed=0"


def test_best_is_the_test_score_where_there_is_a_test_split(make_run):
    best = {"step": 10, "scores": {"edge": {"ods_f": 60}}, "test": {"edge": {"ods_f": 55}}}
    run = make_run("uniform", {"edge": 61.5}, best=best)
    assert run.primary("edge") == 55
    columns = ["best/edge/ods_f", "last/edge/ods_f", "validation/edge/ods_f"]
    assert summary([run]).loc[0, columns].tolist() == [55, 61.5, 60]
    assert "validation/edge/ods_f" not in summary([make_run("uniform", {"edge": 61.5}, seed=1)])
