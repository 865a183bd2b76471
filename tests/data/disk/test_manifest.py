"""Checked files are not read again unless they have changed."""

import hashlib
import json
import os
import stat
import threading

import archives
import numpy as np
import pytest

from mtl.data import NYUD
from mtl.data.disk import DamagedFileError, check


def nyud(root, split="train", tasks=("semseg", "depth")):
    return NYUD(
        root=root / "nyud",
        split=split,
        tasks=tasks,
        images=None,
        num_classes=40,
        png_normals="strict",
        on_error="raise",
    )


@pytest.fixture
def reads(monkeypatch):
    """Ids of the images whose files were decoded."""
    seen = []
    whole = NYUD.whole

    def count(self, id):
        seen.append(id)
        return whole(self, id)

    monkeypatch.setattr(NYUD, "whole", count)
    return seen


def manifest(root):
    return json.loads((root / "nyud.manifest.json").read_text())


def test_files_are_read_once_and_written_down(tmp_path, reads):
    archives.nyud(tmp_path)
    nyud(tmp_path)
    assert sorted(reads) == list(archives.TRAIN)
    files = manifest(tmp_path)["files"]
    assert len(files) == 3 * 3
    path = tmp_path / "NYUD_MT/depth/0003.npy"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert files["depth/0003.npy"] == [digest, path.stat().st_size, path.stat().st_mtime_ns]
    reads.clear()
    nyud(tmp_path)
    assert reads == []


def test_labels_of_another_task_are_read_when_they_are_wanted(tmp_path, reads):
    archives.nyud(tmp_path)
    nyud(tmp_path, tasks=["depth"])
    reads.clear()
    nyud(tmp_path, tasks=["depth", "edge"])
    assert sorted(reads) == list(archives.TRAIN)


def test_a_changed_file_is_read_again(tmp_path, reads, caplog):
    archives.nyud(tmp_path)
    nyud(tmp_path)
    reads.clear()
    path = tmp_path / "NYUD_MT/depth/0004.npy"
    archives.save(path, 2 * np.load(path))
    nyud(tmp_path)
    assert reads == ["0004"]
    assert (
        "1 files of NYUD-v2 are good, but have changed since they were first checked, such as depth/0004" in caplog.text
    )


def test_a_file_that_was_only_copied_is_known_by_its_checksum(tmp_path, reads):
    archives.nyud(tmp_path)
    nyud(tmp_path)
    before = manifest(tmp_path)["files"]["depth/0004.npy"]
    reads.clear()
    os.utime(tmp_path / "NYUD_MT/depth/0004.npy", (1, 1))
    nyud(tmp_path)
    assert reads == []
    assert manifest(tmp_path)["files"]["depth/0004.npy"] == [*before[:2], 10**9]


def test_a_bad_file_is_named_again_and_good_ones_are_not_read_again(tmp_path, reads):
    archives.nyud(tmp_path)
    (tmp_path / "NYUD_MT/depth/0004.npy").write_bytes(b"")
    for wanted in (list(archives.TRAIN), ["0004"]):
        with pytest.raises(DamagedFileError, match=r"0004\.npy"):
            nyud(tmp_path)
        assert sorted(reads) == wanted
        reads.clear()


def test_a_thorough_check_compares_checksums(tmp_path, reads):
    archives.nyud(tmp_path)
    dataset = nyud(tmp_path)
    reads.clear()
    path = tmp_path / "NYUD_MT/depth/0004.npy"
    content, time = bytearray(path.read_bytes()), path.stat().st_mtime_ns
    content[-1] ^= 0x80  # the sign bit: a negative depth, with the same size and time
    path.write_bytes(content)
    os.utime(path, ns=(time, time))
    nyud(tmp_path)
    with pytest.raises(DamagedFileError, match=r"0004.npy: depth of -"):
        dataset.check(thorough=True)
    assert reads == ["0004"]


def test_folder_that_cannot_be_written_to_is_checked_every_time(tmp_path, reads, caplog, monkeypatch):
    archives.nyud(tmp_path)

    def refuse(*_):
        raise PermissionError(13, "Permission denied", "nyud.manifest.json")

    monkeypatch.setattr("mtl.data.disk.manifest.write_whole", refuse)
    for _ in range(2):
        assert len(nyud(tmp_path)) == 3
        assert sorted(reads) == list(archives.TRAIN)
        reads.clear()
    assert "Permission denied, so the next run checks NYUD-v2 again" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder_is_no_obstacle(tmp_path):
    archives.nyud(tmp_path)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert len(nyud(tmp_path)) == 3


def test_damaged_manifest_is_named(tmp_path):
    archives.nyud(tmp_path)
    (tmp_path / "nyud.manifest.json").write_text('{"files": {')
    with pytest.raises(
        ValueError, match=r"nyud.manifest.json is damaged .*: delete it to have the files checked again"
    ):
        nyud(tmp_path)


def test_of_two_that_come_at_once_one_reads(tmp_path, reads):
    archives.nyud(tmp_path)
    threads = [threading.Thread(target=nyud, args=(tmp_path,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reads) == list(archives.TRAIN)


def test_interrupted_check_goes_on_where_it_was(tmp_path, reads, monkeypatch):
    archives.nyud(tmp_path)
    monkeypatch.setattr(check, "THREADS", 1)
    whole = NYUD.whole

    def interrupt(self, id):
        if id == "0007":
            raise KeyboardInterrupt
        return whole(self, id)

    with monkeypatch.context() as patch:
        patch.setattr(NYUD, "whole", interrupt)
        with pytest.raises(KeyboardInterrupt):
            nyud(tmp_path)
    reads.clear()
    nyud(tmp_path)
    assert reads == ["0007"]


def test_fingerprint_tells_which_files_were_read_and_where_they_are_does_not_matter(tmp_path):
    for folder in ("here", "there"):
        archives.nyud(tmp_path / folder)
    here, there = (nyud(tmp_path / folder).about()["fingerprint"] for folder in ("here", "there"))
    assert here == there
    assert set(here) == {"image", "semseg", "depth"}
    assert nyud(tmp_path / "here", tasks=["depth"]).about()["fingerprint"]["depth"] == here["depth"]
    assert nyud(tmp_path / "here", split="val").about()["fingerprint"]["depth"] != here["depth"]
    path = tmp_path / "there/NYUD_MT/depth/0004.npy"
    archives.save(path, 2 * np.load(path))
    changed = nyud(tmp_path / "there").about()["fingerprint"]
    assert {key for key in here if changed[key] != here[key]} == {"depth"}


def test_skipped_image_is_not_in_the_fingerprint(tmp_path):
    archives.nyud(tmp_path)
    whole = nyud(tmp_path).about()["fingerprint"]
    (tmp_path / "NYUD_MT/depth/0004.npy").write_bytes(b"cut")
    options = {"split": "train", "tasks": ["depth"], "images": None, "num_classes": 40, "png_normals": "strict"}
    rest = NYUD(root=tmp_path / "nyud", on_error="skip", **options).about()
    assert rest["left_out"] == ["0004"]
    assert rest["fingerprint"]["image"] != whole["image"]
