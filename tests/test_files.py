import errno

import pytest

from mtl import files


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
