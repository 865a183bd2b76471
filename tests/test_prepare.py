"""`make data-...`: from an archive, an address or nothing to a dataset that train.py reads; bad input gets one line."""

import json
import os
import shutil
import tarfile
from pathlib import Path

import archives
import pytest
from server import Site, serve

from mtl import build
from mtl.data.fetch import web

SCRIPTS = Path(__file__).parent.parent / "scripts"
COUNTS = {
    "nyud": ["dataset.train.images=3", "dataset.val.images=2"],
    "pascal_context": ["dataset.train.images=3", "dataset.val.images=2"],
    "replica": [],
    "camvid": [f"dataset.{split}.images={count}" for split, count in archives.CAMVID.items()],
}
IMAGES = {
    "nyud": "3 train, 2 val images",
    "pascal_context": "3 train, 2 val images",
    "replica": "7 train, 2 val, 2 test images",
    "camvid": "3 train, 2 val, 2 test images",
}
MAKERS = {name: getattr(archives, name) for name in COUNTS}
TITLES = {"nyud": "NYUD-v2", "pascal_context": "PASCAL-Context", "replica": "Replica", "camvid": "CamVid"}


@pytest.fixture
def replica_words():
    """The miniature scenes in place of those of the official split."""
    cfg = build.compose(["dataset=replica"])
    words = []
    for split, scenes in archives.SCENES.items():
        words += [f"~dataset.{split}.scenes.{scene}" for scene in cfg.dataset[split].scenes if scene not in scenes]
        words += [f"dataset.{split}.scenes.{scene}={count}" for scene, count in scenes.items()]
    return words


@pytest.fixture
def prepare(run_script, tmp_path, replica_words):
    """Runs a prepare script in this process; gives exit code, stdout and stderr."""

    def call(name: str, *words: str):
        counts = replica_words if name == "replica" else COUNTS[name]
        counts = [word for word in counts if not any(w.split("=")[0] == word.split("=")[0] for w in words)]
        return run_script(f"prepare_{name}", f"data={tmp_path}/data", *counts, *words)

    return call


@pytest.fixture
def archive(tmp_path):
    """Makes a miniature archive of a dataset."""

    def make(name: str, suffix: str = ".tgz", **options) -> Path:
        MAKERS[name](tmp_path / "made", **options)
        path = archives.pack(tmp_path / "made", tmp_path / f"{name}{suffix}")
        shutil.rmtree(tmp_path / "made")
        return path

    return make


@pytest.mark.parametrize("name", COUNTS)
def test_archive_becomes_a_dataset(prepare, archive, tmp_path, name):
    code, out, err = prepare(name, f"archive={archive(name)}")
    assert code == 0, err
    first, second, command, *rest = out.splitlines()
    assert first.startswith(f"{TITLES[name]}, ")
    assert f"{tmp_path}/data/{name}" in first
    assert second.startswith(IMAGES[name])
    assert second.endswith(f"their sha256 is in {tmp_path}/data/{name}.manifest.json")
    assert command == f"python train.py dataset={name}"
    assert rest[0].startswith("licence: ")
    files = json.loads((tmp_path / f"data/{name}.manifest.json").read_text())["files"]
    assert f"{len(files)} files passed the check" in second
    stored = [path for path in (tmp_path / "data" / name).rglob("*.*") if path.suffix != ".txt"]
    without_persons = 2 if name == "pascal_context" else 0  # whose annotations of parts are not read
    assert len(files) == len(stored) - without_persons
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        name,
        f"{name}.manifest.json",
        f"{name}.manifest.json.lock",
    ]


def test_the_same_command_again_changes_nothing(prepare, archive, tmp_path):
    word = f"archive={archive('nyud')}"
    prepare("nyud", word)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.suffix != ".lock"}
    for words in ([word], []):
        code, out, _ = prepare("nyud", *words)
        assert code == 0
        assert out.startswith("NYUD-v2, archive A")
        assert "it was there already, nothing was unpacked" in out
    assert before == {
        path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*") if path.suffix != ".lock"
    }


def test_damaged_dataset_is_named_and_another_archive_takes_its_place(prepare, archive, tmp_path):
    word = f"archive={archive('nyud')}"
    prepare("nyud", word)
    (tmp_path / "data/nyud/NYUD_MT/images/0001.jpg").write_bytes(b"")
    code, out, err = prepare("nyud")
    assert code == 1
    assert "images/0001.jpg: cannot be read" in err
    assert "make data-nyud ARCHIVE=FILE" in err
    code, out, err = prepare("nyud", word)
    assert code == 0, err
    assert out.startswith("the dataset there is incomplete: 1 of 2 val images")
    assert f"kept the old folder as {tmp_path}/data/nyud.old" in out
    assert (tmp_path / "data/nyud/NYUD_MT/images/0001.jpg").stat().st_size


def test_damaged_dataset_beside_its_place_is_set_aside_too(prepare, archive, tmp_path):
    archives.nyud(tmp_path / "data")
    (tmp_path / "data/NYUD_MT/images/0001.jpg").unlink()
    code, out, err = prepare("nyud", f"archive={archive('nyud')}")
    assert code == 0, err
    assert f"kept the old folder as {tmp_path}/data/NYUD_MT.old" in out


def test_silent_change_of_a_file_is_found(prepare, archive, tmp_path):
    prepare("nyud", f"archive={archive('nyud')}")
    path = tmp_path / "data/nyud/NYUD_MT/depth/0001.npy"
    content, time = bytearray(path.read_bytes()), path.stat().st_mtime_ns
    content[-1] ^= 0x80
    path.write_bytes(content)
    os.utime(path, ns=(time, time))
    code, _, err = prepare("nyud")
    assert code == 1
    assert f"{path}: depth of -" in err


@pytest.mark.parametrize("name", ["nyud", "pascal_context"])
def test_archive_with_images_missing_is_refused(prepare, archive, name):
    code, _, err = prepare(name, f"archive={archive(name, train=['0003'] if name == 'nyud' else ['2008_000003'])}")
    assert code == 1
    assert "split train of" in err
    assert "has 1 images, not 3" in err


def test_folder_of_tar_files_is_unpacked_whole(prepare, tmp_path):
    archives.replica(tmp_path / "made")
    (tmp_path / "tars").mkdir()
    for domain in (tmp_path / "made").iterdir():
        for scene in (domain / "replica").iterdir():
            with tarfile.open(tmp_path / f"tars/{domain.name}-replica-{scene.name}.tar", "w") as tar:
                tar.add(scene, f"{domain.name}/replica/{scene.name}")
    code, out, err = prepare("replica", f"archive={tmp_path}/tars")
    assert code == 0, err
    assert "7 train, 2 val, 2 test images" in out
    assert out.startswith("Replica, {domain}/replica/{scene}, as omnidata-tools extracts it")


def test_address_that_breaks_off_becomes_a_dataset(prepare, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0)
    site, gone = Site(archive("nyud", archive="B").read_bytes()), Site(b"x")
    site.break_after, gone.status = 5000, [404]
    with serve(gone) as first, serve(site) as second:
        code, out, err = prepare("nyud", f"url={first},{second}/NYUDv2.tar.gz")
    assert code == 0, err
    assert len(site.requests) > 2
    assert out.startswith("NYUD-v2, archive B, NYUDv2 (png)")
    assert f"no longer needed: {tmp_path}/data/nyud-" in out


def test_dead_address_is_named_with_what_to_do_by_hand(prepare, monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0)
    site = Site(b"x")
    site.status = [404]
    with serve(site) as address:
        code, _, err = prepare("pascal_context", f"url={address}")
    assert code == 1
    assert err.startswith(
        f"error: no address works for PASCAL-Context ({address}: HTTP 404 Not Found): download PASCALContext"
    )
    assert err.endswith("then make data-pascal-context ARCHIVE=FILE\n")


def test_replica_is_not_fetched_without_a_signature(prepare):
    code, _, err = prepare("replica")
    assert code == 1
    assert "Replica must be downloaded by hand: its licence must be signed: pip install omnidata-tools" in err


def test_whatever_is_in_the_place_is_set_aside(prepare, archive, tmp_path):
    (tmp_path / "data/nyud/images").mkdir(parents=True)
    code, out, err = prepare("nyud", f"archive={archive('nyud')}")
    assert code == 0, err
    assert f"kept the old folder as {tmp_path}/data/nyud.old\n" in out


def test_broken_archive_of_an_address_is_fetched_again_by_the_next_command(prepare, archive, tmp_path):
    whole = archive("nyud").read_bytes()
    with serve(Site(whole[: len(whole) // 2])) as address:
        code, _, err = prepare("nyud", f"url={address}")
        assert code == 1
        assert "not a complete tar archive" in err
        assert not list((tmp_path / "data").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nyud", "pascal_context"])
def test_archives_of_the_real_number_of_images_need_no_more_words(run_script, tmp_path, name):
    counts = {"nyud": (795, 654), "pascal_context": (4998, 5105)}[name]
    ids = [f"{number:04}" if name == "nyud" else f"2008_{number:06}" for number in range(sum(counts))]
    MAKERS[name](tmp_path / "data", train=ids[: counts[0]], val=ids[counts[0] :], size=(12, 16))
    _, out, _ = run_script(f"prepare_{name}", f"data={tmp_path}/data")
    assert f"{counts[0]:,} train, {counts[1]:,} val images" in out


REFUSED = [
    (["archive=/nowhere/NYUDv2.tar.gz"], "archive=/nowhere/NYUDv2.tar.gz: no such file"),
    (["archive=SELF"], "not a complete tar archive"),
    (["archive=EMPTY"], "no tar archive in it"),
    (["arhive=x"], "unknown key arhive"),
    (["url=ftp://x"], "no address works for NYUD-v2 (ftp://x: not an http address"),
]


@pytest.mark.parametrize(("words", "line"), REFUSED, ids=[words[0] for words, _ in REFUSED])
def test_bad_input_gives_one_line(prepare, tmp_path, words, line):
    (tmp_path / "empty").mkdir()
    words = [word.replace("SELF", __file__).replace("EMPTY", f"{tmp_path}/empty") for word in words]
    code, _, err = prepare("nyud", *words)
    assert code == 1
    errors = [text for text in err.splitlines() if text.startswith("error: ")]
    assert len(errors) == 1
    assert line in errors[0]
    assert "Traceback" not in err
    assert not (tmp_path / "data/nyud").exists()
