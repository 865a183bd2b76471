"""Unpacking is complete or raises, and never writes outside the folder."""

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mtl.data.fetch import extract

WRITTEN = {".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}


def pack(path: Path, *members: tuple) -> Path:
    """A tar of (name, kind, content or target)."""
    kinds = {"file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}
    kinds |= {"hard": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE}
    with tarfile.open(path, WRITTEN.get(path.suffix, "w")) as tar:
        for name, kind, what in members:
            member = tarfile.TarInfo(name)
            member.type, member.mtime = kinds[kind], 1_000_000
            if kind == "file":
                member.size = len(what)
                tar.addfile(member, io.BytesIO(what))
            else:
                member.linkname = what or ""
                tar.addfile(member)
    return path


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
def test_files_come_out_as_they_went_in(tmp_path, suffix):
    archive = pack(
        tmp_path / f"a{suffix}",
        ("./NYUD_MT/", "folder", None),
        ("./NYUD_MT/depth/0001.npy", "file", b"abc"),
        ("NYUD_MT/empty", "folder", None),
    )
    extract([archive], tmp_path / "data/nyud")
    assert (tmp_path / "data/nyud/NYUD_MT/depth/0001.npy").read_bytes() == b"abc"
    assert (tmp_path / "data/nyud/NYUD_MT/depth/0001.npy").stat().st_mtime == 1_000_000
    assert (tmp_path / "data/nyud/NYUD_MT/empty").is_dir()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["nyud"]


def test_several_archives_share_the_folder(tmp_path):
    parts = [pack(tmp_path / f"{name}.tar", (f"{name}/replica/a.png", "file", b"x")) for name in ("rgb", "normal")]
    extract(parts, tmp_path / "out")
    assert sorted(path.parts[-3] for path in (tmp_path / "out").rglob("a.png")) == ["normal", "rgb"]


OUTSIDE = {
    "above": [("../evil", "file", b"x")],
    "far_above": [("a/../../evil", "file", b"x")],
    "absolute": [("/tmp/evil", "file", b"x")],
    "backslash": [("..\\evil", "file", b"x")],
    "folder_above": [("../evil", "folder", None)],
    "link_above": [("a/link", "link", "../../evil")],
    "absolute_link": [("link", "link", "/etc/passwd")],
    "hard_link_above": [("a/link", "hard", "../evil")],
    "through_a_link": [("a/b/link", "link", "../.."), ("a/b/link/next", "link", "a/../evil/../..")],
    "link_through_a_link": [
        ("evil", "file", b"x"),
        ("a/b/up", "link", "../.."),
        ("a/b/up/out", "link", "../../../evil"),
    ],
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_leads_out_of_the_folder_is_refused(tmp_path, case):
    archive = pack(tmp_path / "a.tar", ("good", "file", b"x"), *OUTSIDE[case])
    (tmp_path / "data").mkdir()
    with pytest.raises(ValueError, match="leads out of its folder"):
        extract([archive], tmp_path / "data/nyud")
    assert list((tmp_path / "data").iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


def test_file_is_never_written_through_a_link(tmp_path):
    first = pack(tmp_path / "a.tar", ("a/link", "link", "../other"), ("other/x", "file", b"good"))
    second = pack(tmp_path / "b.tar", ("a/link/x", "file", b"bad"))
    with pytest.raises(OSError, match="File exists"):
        extract([first, second], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_that_stay_inside_are_made(tmp_path):
    members = [("a/b", "link", "../c/d"), ("e", "hard", "c/d"), ("c/d", "file", b"x")]
    extract([pack(tmp_path / "a.tar", *members)], tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "moved")
    assert (tmp_path / "moved/a/b").read_bytes() == (tmp_path / "moved/e").read_bytes() == b"x"


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_special_files_are_refused(tmp_path, kind):
    archive = pack(tmp_path / "a.tar", ("x", kind, None))
    with pytest.raises(ValueError, match="x is not a file, folder or link"):
        extract([archive], tmp_path / "out")


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_cut_archive_is_named_and_leaves_nothing(tmp_path, suffix, share):
    content = bytes(range(256)) * 1000
    archive = pack(tmp_path / f"a{suffix}", ("a", "file", content), ("b", "file", content[::-1]))
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    with pytest.raises(ValueError, match=rf"a{suffix}: not a complete tar archive .*; fetch it again"):
        extract([archive], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


def test_what_an_earlier_attempt_left_is_cleared(tmp_path):
    (tmp_path / "out.unfinished").mkdir()
    (tmp_path / "out.unfinished/junk").write_text("")
    extract([pack(tmp_path / "a.tar", ("x", "file", b"x"))], tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x"]


@pytest.mark.parametrize("suffix", [".tgz", ".tar.bz2", ".tar.xz"])
def test_changed_byte_is_noticed_or_changes_nothing(tmp_path, suffix):
    rng = np.random.default_rng(0)
    content = rng.bytes(5000)
    archive = pack(tmp_path / f"a{suffix}", ("a", "file", content))
    good = archive.read_bytes()
    for place in rng.choice(len(good), 60, replace=False):
        changed = bytearray(good)
        changed[place] ^= 1 << int(rng.integers(8))
        archive.write_bytes(changed)
        try:
            extract([archive], tmp_path / "out")
        except ValueError:
            continue
        assert (tmp_path / "out/a").read_bytes() == content
        shutil.rmtree(tmp_path / "out")


def test_only_a_checksum_that_differs_is_noticed(tmp_path):
    archive = pack(tmp_path / "a.tgz", ("a", "file", b"abc"))
    archive.write_bytes(archive.read_bytes()[:-8] + bytes(4) + archive.read_bytes()[-4:])
    with pytest.raises(ValueError, match="CRC check failed"):
        extract([archive], tmp_path / "out")
