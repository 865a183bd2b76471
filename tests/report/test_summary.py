import io

import pandas as pd

from mtl.report.summary import summary


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
