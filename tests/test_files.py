import ast
import errno
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl import files

ROOT = Path(__file__).parent.parent
SOURCES = [ROOT / "train.py", *sorted((ROOT / "mtl").rglob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]


def test_text_bytes_and_functions_are_written(tmp_path):
    files.write_whole(tmp_path / "new" / "a", "text")
    files.write_whole(tmp_path / "new" / "b", b"bytes")
    files.write_whole(tmp_path / "new" / "c", lambda file: file.write(b"function"))
    assert {p.name: p.read_text() for p in (tmp_path / "new").iterdir()} == {"a": "text", "b": "bytes", "c": "function"}


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    files.write_whole(tmp_path / "record", "old")

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        files.write_whole(tmp_path / "record", "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("record", "old")]


def test_full_disk_is_reported_with_the_file(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*record"):
        files.write_whole(tmp_path / "record", "new")


def test_full_disk_behind_an_error_of_torch_is_reported_with_the_file(tmp_path):
    def write(_: object) -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            raise RuntimeError("unexpected pos 704 vs 598")

    with pytest.raises(RuntimeError, match="unexpected pos") as caught:
        files.write_whole(tmp_path / "state", write)
    assert caught.value.__context__.filename == str(tmp_path / "state")


def unknown(literal: str) -> None:
    raise AssertionError(f"{literal} is not JSON")


def strict(path: Path) -> Any:
    """What a reader finds that takes nothing but JSON."""
    return json.loads(path.read_text(), parse_constant=unknown)


def test_json_has_null_for_numbers_it_does_not_know_and_says_why(tmp_path, caplog):
    scores = {"depth": {"rmse": math.nan}, "edge": {"ods_f": 50.0}}
    files.write_json(tmp_path / "record.json", {"best": {"scores": scores, "selection": -math.inf}, "w": [1, math.inf]})
    assert strict(tmp_path / "record.json") == {
        "best": {"scores": {"depth": {"rmse": None}, "edge": {"ods_f": 50.0}}, "selection": None},
        "w": [1, None],
        "not_finite": {"best.scores.depth.rmse": files.NAN, "best.selection": files.INFINITE, "w[1]": files.INFINITE},
    }
    lines = caplog.messages
    assert lines[0] == f"{tmp_path}/record.json: best.scores.depth.rmse is {files.NAN}; written as null"
    assert len(lines) == 3


def test_json_of_finite_numbers_is_as_it_was(tmp_path, caplog):
    content = {"b": [1, 2.5, None, True, "NaN"], "a": {"c": np.float64(3)}}
    files.write_json(tmp_path / "x.json", content)
    assert files.read_json(tmp_path / "x.json") == strict(tmp_path / "x.json") == content
    assert not caplog.messages


def test_lists_of_numbers_become_null_as_well(tmp_path):
    files.write_json(tmp_path / "x.json", (math.nan, {"a": np.float64("inf")}))
    assert strict(tmp_path / "x.json") == [None, {"a": None}]


def test_damaged_json_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"a": ')
    with pytest.raises(ValueError, match=r"x.json is damaged \(Expecting value"):
        files.read_json(tmp_path / "x.json")


def test_no_source_writes_json_that_others_cannot_read():
    """Files go through `write_json`; other JSON, such as hashed text, refuses NaN."""
    for path in SOURCES:
        nodes = list(ast.walk(ast.parse(path.read_text())))
        assert not [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "json"], "import json"
        strict = {id(part) for node in nodes if refuses_nan(node) for part in (node.func, *node.args)}
        for node in nodes:
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("json.dump", "json.dumps"):
                assert id(node) in strict, f"{path}:{node.lineno}: use mtl.files.write_json, or allow_nan=False"


def refuses_nan(node: ast.AST) -> bool:
    """Whether this calls, or prepares to call, something without NaN."""
    return isinstance(node, ast.Call) and "allow_nan=False" in [ast.unparse(word) for word in node.keywords]
