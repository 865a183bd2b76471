"""Every kind of file that is read back, damaged in many ways: one line that names the file, or a warning."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from mtl import files
from mtl.cli.costs import stored_cost
from mtl.cli.explain import explain
from mtl.cli.train import prepare
from mtl.data.base import Place
from mtl.data.cache.shelf import missing_from
from mtl.data.corruption.sampling import WORDS, Sampling
from mtl.data.disk.manifest import Manifest
from mtl.data.fetch.web import read_begun
from mtl.data.pascal_index import read_index
from mtl.files import write_json
from mtl.image_list import read_ids
from mtl.loggers import CSVLogger
from mtl.loggers.tracker import Tracker
from mtl.report.claims.registry import read_claims
from mtl.report.claims.sources import paper_evidence
from mtl.report.figures.imbalance import imbalance_figure
from mtl.report.figures.sources import read_sources
from mtl.report.misprints import read_tables
from mtl.report.numbers.conditions import differing_conditions, partly_evaluated
from mtl.report.numbers.gains import with_gains
from mtl.report.numbers.hours import FIELDS, cost_of
from mtl.report.read.committed import write_records
from mtl.report.read.curves import read_curves, windowed
from mtl.report.read.runs import finished_runs
from mtl.report.read.scores import our_scores, paper_scores, read_scores
from mtl.report.read.summary import summary
from mtl.report.web.images import pictures
from mtl.report.web.stored import read_lines, read_table
from mtl.run.folder import earlier_times
from mtl.run.record import environment, environments

PAPER = Path(__file__).parents[1] / "results" / "paper"
GARBAGE = bytes(range(256)) * 4
METRICS = {"edge": {"primary": "ods_f", "higher_is_better": True, "preset": "rooms"}}
Reader = Callable[[], object]


class Service(Tracker):
    """A tracker without a service."""

    word, error = "json", KeyError

    def start(self, run_id):
        return run_id or "new"

    def send(self, kind, step, values):
        pass

    def finish(self, complete):
        pass


def record(tasks=("edge",), weighter="uniform"):
    """What a run writes, as far as it is read."""
    scores = {task: {"ods_f": 40.0} for task in tasks}
    return {
        "config": {
            **{"dataset": {"name": "rooms", "epochs": 1}, "backbone": {"name": "tiny"}, "model": {"name": "vanilla"}},
            "recipe": {"steps": 20, "batch_size": 8, "evaluate": "end"},
            "weighter": {"name": weighter, "method": {"_target_": "x"}},
            "subset": list(tasks),
        },
        "seed": 0,
        "metrics": METRICS,
        "data": {split: {"images": 8, "fingerprint": {"image": "1"}} for split in ("train", "val")},
        "best": {"step": 20, "scores": scores, "selection": 1.0},
        "last": {"step": 20, "scores": scores, "selection": 1.0},
        "mean_weights": dict.fromkeys(tasks, 1.0),
        "steps": 20,
        "skipped_steps": 0,
        **{"parameters": 1, "peak_memory_mib": 1.0, "step_seconds": 1.0, "step_cpu_seconds": 1.0},
        "seconds": dict.fromkeys(("training", "data", "evaluation", "scoring", "other"), 1.0),
        "gradient_statistics": {"scope": "last_layer", "every": 10},
        "command": "python train.py",
        "environment": environment(torch.device("cpu")),
        "earlier_environments": [],
    }


def write_run(folder: Path, **options) -> Path:
    """A finished run with its log."""
    write_json(folder / "record.json", record(**options), indent=2)
    keys = ("gradient/norm", "gradient/weighted_norm", "weight")
    log = pd.DataFrame({"step": [1, 11, 20]} | {f"{key}/{task}": 1.0 for key in keys for task in ("edge", "depth")})
    log.to_csv(folder / "gradients.csv", index=False, lineterminator="\n")
    return folder


def read_runs(results: Path) -> None:
    """Everything that a table asks of its runs."""
    runs = finished_runs(results)
    our_scores([summary(runs)])
    differing_conditions(runs)
    partly_evaluated(runs)
    for run in runs:
        cost_of(run)


def the_record(folder: Path) -> tuple[Path, Reader]:
    run = write_run(folder / "runs" / "a-0" / "seed0")
    return run / "record.json", lambda: read_runs(folder)


def the_committed_record(folder: Path) -> tuple[Path, Reader]:
    run = write_run(folder / "runs" / "a-0" / "seed0")
    pd.DataFrame({"step": [20], "val/edge/ods_f": [40.0]}).to_csv(run / "metrics.csv", index=False)
    write_records(folder, "a", finished_runs(folder))
    shutil.rmtree(run)

    def read() -> None:
        runs = finished_runs(folder)
        windowed(runs, 10)
        summary(runs)
        write_records(folder, "b", runs)
        shutil.rmtree(folder / "records" / "b", ignore_errors=True)

    return folder / "records" / "a" / "a-0" / "seed0.json", read


def the_log_of_a_record(folder: Path) -> tuple[Path, Reader]:
    run = write_run(folder / "runs" / "a-0" / "seed0")
    pd.DataFrame({"step": [20], "val/edge/ods_f": [40.0]}).to_csv(run / "metrics.csv", index=False)

    def read() -> None:
        shutil.rmtree(folder / "records", ignore_errors=True)
        write_records(folder, "a", finished_runs(folder))

    return run / "metrics.csv", read


def the_record_of_an_earlier_run(folder: Path) -> tuple[Path, Reader]:
    run = write_run(folder / "old-seed0-1")
    return run / "record.json", lambda: earlier_times(folder / "seed0", "cpu")


def the_config_of_a_begun_run(folder: Path) -> tuple[Path, Reader]:
    write_json(folder / "science.json", {"seed": 0, "weighter": {"name": "uniform"}}, indent=2)
    return folder / "science.json", lambda: prepare(folder, {"seed": 0, "weighter": {"name": "uniform"}}, False)


def the_environments(folder: Path) -> tuple[Path, Reader]:
    now = environment(torch.device("cpu"))
    environments(folder, now | {"device": "another"})
    return folder / "environments.json", lambda: environments(folder, now)


def the_log_of_a_resumed_run(folder: Path) -> tuple[Path, Reader]:
    first = CSVLogger(folder, "a", 20, {})
    for step in (1, 2, 3):
        first.log("metrics", step, {"epoch": 0.5, "val/edge/ods_f": 40.0})
    first.close()

    def resume() -> None:
        again = CSVLogger(folder, "a", 20, {})
        again.resume(2)
        again.log("metrics", 3, {"epoch": 0.5, "val/edge/ods_f": 40.0})
        again.close()
        log = pd.read_csv(folder / "metrics.csv")
        assert log["step"].tolist()[-1] == 3
        assert log.columns.tolist() == ["step", "epoch", "val/edge/ods_f"]
        assert log.notna().all(axis=None)

    return folder / "metrics.csv", resume


def the_log_of_a_curve(folder: Path) -> tuple[Path, Reader]:
    run = write_run(folder / "runs" / "a-0" / "seed0")
    return run / "gradients.csv", lambda: windowed(finished_runs(folder), 10)


def the_log_of_a_figure(folder: Path) -> tuple[Path, Reader]:
    both = [
        write_run(folder / "runs" / f"{name}-0" / "seed0", tasks=("edge", "depth"), weighter=name)
        for name in ("uniform", "avgnorm")
    ]
    for run in both:
        content = json.loads((run / "record.json").read_text())
        content["metrics"] = dict.fromkeys(("edge", "depth"), METRICS["edge"])
        write_json(run / "record.json", content)
    scores = pd.DataFrame(columns=["method", "task", "gain", "dataset"])
    return both[0] / "gradients.csv", lambda: figure(finished_runs(folder), scores)


def figure(runs, scores):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtl.report.figures.imbalance.draw_gains", lambda *_: None)
        return imbalance_figure(runs, scores)


def the_summary(folder: Path) -> tuple[Path, Reader]:
    run = write_run(folder / "runs" / "a-0" / "seed0")
    path = folder / "figures_rooms.csv"
    summary(finished_runs(folder)).to_csv(path, index=False, lineterminator="\n")
    shutil.rmtree(run)
    return path, lambda: with_gains(read_scores(folder))


def the_curves(folder: Path) -> tuple[Path, Reader]:
    write_run(folder / "runs" / "a-0" / "seed0")
    path = folder / "figures_rooms_curves.csv"
    windowed(finished_runs(folder), 10).to_csv(path, index=False, lineterminator="\n")
    return path, lambda: read_curves(folder)


def the_stored_table(folder: Path) -> tuple[Path, Reader]:
    path = folder / "demo_rooms.csv"
    shutil.copy(PAPER.parent / "tables" / path.name, path)
    return path, lambda: read_table(path)


def the_stored_summary(folder: Path) -> tuple[Path, Reader]:
    path = folder / "demo_rooms.csv"
    shutil.copy(PAPER.parent / "summary" / path.name, path)
    return path, lambda: read_lines(path)


def the_stored_figure(folder: Path) -> tuple[Path, Reader]:
    Image.new("RGB", (20, 10)).save(folder / "figure9.png")
    return folder / "figure9.png", lambda: pictures(folder)


def paper(name: str, read: Callable[[Path], object]) -> Callable[[Path], tuple[Path, Reader]]:
    def make(folder: Path) -> tuple[Path, Reader]:
        (folder / "paper").mkdir()
        for path in PAPER.glob("*.csv"):
            shutil.copy(path, folder / "paper")
        return folder / "paper" / name, lambda: read(folder / "paper")

    return make


def the_prose_of_figures(folder: Path) -> tuple[Path, Reader]:
    (folder / "paper").mkdir()
    shutil.copy(PAPER / "prose_numbers.csv", folder / "paper")
    return folder / "paper" / "prose_numbers.csv", lambda: read_sources(folder)


def the_image_list(folder: Path) -> tuple[Path, Reader]:
    (folder / "val.txt").write_text("one\ntwo\n")
    return folder / "val.txt", lambda: read_ids(folder / "val.txt")


def the_manifest(folder: Path) -> tuple[Path, Reader]:
    (folder / "image").write_text("image")
    first = Manifest(folder / "nyud.manifest.json", folder)
    first.add(folder / "image")
    first.save("test")

    def read() -> None:
        again = Manifest(folder / "nyud.manifest.json", folder)
        if not again.untouched(folder / "image"):
            again.add(folder / "image")
        again.digest([folder / "image"])

    return folder / "nyud.manifest.json", read


def the_cache(folder: Path) -> tuple[Path, Reader]:
    sample = {"image": np.arange(6, dtype=np.uint8).reshape(2, 3), "meta": {"id": "a", "size": (2, 3)}}
    (folder / "image.bin").write_bytes(sample["image"].tobytes())
    write_json(folder / "image.json", {"dtype": "|u1", "shapes": [[2, 3]]})
    write_json(folder / "meta.json", [sample["meta"]])
    return folder / "image.json", lambda: missing_from(folder, {0: sample}, 1)


def the_cache_of_metas(folder: Path) -> tuple[Path, Reader]:
    _, read = the_cache(folder)
    return folder / "meta.json", read


def the_object_index(folder: Path) -> tuple[Path, Reader]:
    write_json(folder / "val.txt", {"a": [15], "b": []})
    return folder / "val.txt", lambda: [15 in index for index in (read_index(folder / "val.txt", "ab") or {}).values()]


def the_cost_of_a_network(folder: Path) -> tuple[Path, Reader]:
    write_json(folder / "a.json", dict.fromkeys(FIELDS, 1.5))
    return folder / "a.json", lambda: (cost := stored_cost(folder / "a.json")) and sum(astuple(cost))


def the_list_of_a_sample(folder: Path) -> tuple[Path, Reader]:
    places = [Place(f"scene{number}", "0") for number in range(4)]
    rule = Sampling(WORDS[1], 0, {WORDS[1]: ["scene0"]}, folder)
    rule._publish(places, set(places[:1]), 1)
    (path,) = folder.iterdir()
    return path, lambda: rule._publish(places, set(places[:1]), 1)


def the_partial_download(folder: Path) -> tuple[Path, Reader]:
    (folder / "x.part").write_bytes(b"12345")
    write_json(folder / "x.part.json", {"url": "http://x", "tag": "a", "size": 10})

    def read() -> None:
        begun = read_begun(folder / "x.part")
        assert begun.size is None or begun.have <= begun.size
        assert isinstance(begun.tag or "", str)

    return folder / "x.part.json", read


def the_state_of_a_tracker(folder: Path) -> tuple[Path, Reader]:
    write_json(folder / "json.json", {"id": "a", "metrics": 1})
    return folder / "json.json", lambda: Service(folder, "a", 2, {}).log("metrics", 2, {"a": 1.0})


KINDS = {
    "record": the_record,
    "committed record": the_committed_record,
    "metrics.csv, committed record": the_log_of_a_record,
    "earlier record": the_record_of_an_earlier_run,
    "science": the_config_of_a_begun_run,
    "environments": the_environments,
    "metrics.csv": the_log_of_a_resumed_run,
    "gradients.csv, curve": the_log_of_a_curve,
    "gradients.csv, figure": the_log_of_a_figure,
    "summary": the_summary,
    "curves": the_curves,
    "table of the page": the_stored_table,
    "summary of the page": the_stored_summary,
    "figure of the page": the_stored_figure,
    "paper's scores": paper("all_results_long.csv", paper_scores),
    "paper's scores, claims": paper("all_results_long.csv", paper_evidence),
    "paper's prose": paper("prose_numbers.csv", paper_evidence),
    "paper's prose, figures": the_prose_of_figures,
    "paper's tables": paper("table_III.csv", read_tables),
    "claims": paper("claims.csv", read_claims),
    "image list": the_image_list,
    "manifest": the_manifest,
    "cache": the_cache,
    "cache of metas": the_cache_of_metas,
    "object index": the_object_index,
    "cost": the_cost_of_a_network,
    "list of a sample": the_list_of_a_sample,
    "partial download": the_partial_download,
    "tracker": the_state_of_a_tracker,
}


# Part of a list is a list, a cache is filled again, a resumed log drops what is not whole, Pillow forgives two bytes.
UNNOTICED = ("image list", "cache", "cache of metas", "metrics.csv", "figure of the page")


def damages(content: bytes, name: str) -> dict[str, bytes]:
    """Ways to damage a file, by what was done to it."""
    line = content.index(b"\n") if b"\n" in content else len(content)
    cuts = {0, 1, min(10, line // 2), line, len(content) // 3, len(content) // 2, len(content) - 2}
    found = {f"cut to {length} bytes": content[:length] for length in sorted(cuts - {len(content)})}
    found = {what: part for what, part in found.items() if not part.endswith(b"\n")}  # a shorter file, not a broken one
    words = (b"[]", b"{}", b"null", b"[]\n", b"{}\n", b"3\n", b"a,b\n1,2\n", b"step\nx\n", b"[" * 100_000)
    found |= {str(word[:10]): word for word in words}
    found |= {"last byte missing": content[:-1], "first line only": content[: line + 1]}
    found |= {"garbage": GARBAGE, "garbage inside": content[: line // 2] + GARBAGE + content[line // 2 :]}
    found |= {"zeros": bytes(len(content)), "twice": content + content}
    if name.endswith(".json"):
        for keys in places(json.loads(content)):
            found |= {f"{keys} {what}": changed(content, keys, value) for what, value in WRONG.items()}
    return found


MISSING = object()
WRONG = {"missing": MISSING, "null": None, "list": [1], "mapping": {"a": 1}, "text": "a", "number": 3.5}


def places(content: object, depth: int = 3) -> list[tuple]:
    """Keys of every value down to a depth."""
    if isinstance(content, dict) and depth:
        return [(key, *rest) for key, value in content.items() for rest in [(), *places(value, depth - 1)]]
    return [(0, *rest) for rest in places(content[0], depth - 1)] if isinstance(content, list) and content else []


def changed(content: bytes, keys: tuple, value: object) -> bytes:
    """The document with another value, or without it."""
    whole = json.loads(content)
    inner = whole
    for key in keys[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return json.dumps(whole).encode()


@pytest.mark.filterwarnings("ignore:Data type alias:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_file_gives_a_line_or_a_warning(kind, tmp_path, caplog):
    folder = tmp_path / "good"
    folder.mkdir()
    path, read = KINDS[kind](folder)
    tried, bad = damages(path.read_bytes(), path.name), []
    caplog.set_level(logging.WARNING)
    read()
    assert not caplog.messages
    for what, content in tried.items():
        path.write_bytes(content)
        caplog.clear()
        files.warn.cache_clear()
        try:
            read()
            if what.startswith("cut") and kind not in UNNOTICED and not caplog.messages:
                bad.append(f"{what}: not noticed")
        except Exception as error:
            line = explain(error, [])
            if line is None or not (path.name in line or f"{folder} holds another config" in line):
                bad.append(f"{what}: {type(error).__name__}: {str(error)[:150]}")
    assert not bad, f"{len(bad)} of {len(tried)}:\n" + "\n".join(bad)


@pytest.mark.parametrize("kind", KINDS)
def test_byte_order_mark_changes_nothing(kind, tmp_path, caplog):
    path, read = KINDS[kind](tmp_path)
    if path.suffix == ".png":
        return
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    read()
    assert not caplog.messages
