"""Downloads from a local server that interrupts, ignores ranges, changes its file and refuses requests."""

import errno
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from server import Site, serve

from mtl.data.fetch import UnavailableError, download, web

CONTENT = gzip.compress(np.random.default_rng(0).bytes(300_000))


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0)
    monkeypatch.setenv("no_proxy", "*")
    return Site(CONTENT)


def begin(address: str, folder: Path) -> Path:
    """What remains of a download that was killed when the connection was interrupted."""
    name = f"nyud-{web.hashlib.sha256(address.encode()).hexdigest()[:8]}.part"
    assert not web.receive(address, web.read_begun(folder / name))
    return folder / name


def test_whole_file_comes_in_one_request(site, tmp_path):
    with serve(site) as address:
        path = download([f"{address}/a.tgz"], tmp_path / "new", "nyud")
        assert download([f"{address}/a.tgz"], tmp_path / "new", "nyud") == path
    assert path.read_bytes() == CONTENT
    assert path.name.startswith("nyud-")
    assert site.requests == [None]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("tagged", [True, False])
def test_broken_connection_is_resumed_until_the_file_is_whole(site, tmp_path, tagged):
    site.break_after, site.tagged = 30_000, tagged
    with serve(site) as address:
        path = download([address], tmp_path, "nyud")
    assert path.read_bytes() == CONTENT
    assert site.requests == [None, *(f"bytes={30_000 * part}-" for part in range(1, len(CONTENT) // 30_000 + 1))]


def test_the_next_command_goes_on_with_what_is_there(site, tmp_path):
    site.break_after = 100_000
    with serve(site) as address:
        assert begin(address, tmp_path).stat().st_size == 100_000
        site.break_after = None
        path = download([address], tmp_path, "nyud")
    assert path.read_bytes() == CONTENT
    assert site.requests == [None, "bytes=100000-"]


@pytest.mark.parametrize("tagged", [True, False])
def test_file_that_changed_on_the_server_is_fetched_again(site, tmp_path, tagged):
    site.break_after, site.tagged = 100_000, tagged
    with serve(site) as address:
        begin(address, tmp_path)
        site.break_after = None
        site.content = CONTENT[::-1] + b"more"
        path = download([address], tmp_path, "nyud")
    assert path.read_bytes() == site.content


def test_file_that_became_shorter_is_fetched_again(site, tmp_path):
    site.break_after = 100_000
    with serve(site) as address:
        begin(address, tmp_path)
        site.break_after, site.content, site.tagged = None, CONTENT[:50_000], False
        path = download([address], tmp_path, "nyud")
    assert path.read_bytes() == CONTENT[:50_000]


def test_server_that_cannot_resume_starts_again(site, tmp_path):
    site.ranges, site.break_after = False, 100_000
    with serve(site) as address:
        begin(address, tmp_path)
        site.break_after = None
        assert download([address], tmp_path, "nyud").read_bytes() == CONTENT


def test_server_that_never_gets_beyond_a_point_is_given_up(site, tmp_path):
    site.ranges, site.break_after = False, 100_000
    with (
        serve(site) as address,
        pytest.raises(UnavailableError, match=rf"{address}: the connection was interrupted, 5 times in a row"),
    ):
        download([address], tmp_path, "nyud")
    assert len(site.requests) == 6


def test_length_may_be_unknown(site, tmp_path):
    site.chunked = True
    with serve(site) as address:
        assert download([address], tmp_path, "nyud").read_bytes() == CONTENT


def test_busy_server_is_asked_again(site, tmp_path):
    site.status = [503, 429, 500]
    with serve(site) as address:
        assert download([address], tmp_path, "nyud").read_bytes() == CONTENT
    assert len(site.requests) == 4


def test_dead_link_gives_way_to_the_next(site, tmp_path):
    gone = Site(CONTENT)
    gone.status = [404]
    with serve(gone) as first, serve(site) as second:
        path = download([first, second], tmp_path, "nyud")
    assert path.read_bytes() == CONTENT
    assert len(gone.requests) == 1


def test_all_dead_links_are_named_with_their_reasons(site, tmp_path):
    site.status = [404]
    page = Site(b"\n<!DOCTYPE html><html>Please log in</html>")
    with serve(site) as first, serve(page) as second, pytest.raises(UnavailableError) as caught:
        download([first, second, "ftp://x/y", "http://127.0.0.1:9/none"], tmp_path, "nyud")
    line = str(caught.value)
    assert f"{first}: HTTP 404 Not Found; " in line
    assert f"{second}: a web page, not an archive" in line
    assert "ftp://x/y: not an http address" in line
    assert "http://127.0.0.1:9/none: " in line
    assert "refused, 5 times in a row" in line
    assert not list(tmp_path.glob("*.archive"))


def test_full_disk_is_no_fault_of_the_network(site, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(web, "write_json", full)
    with serve(site) as address, pytest.raises(OSError, match="No space left") as caught:
        download([address], tmp_path, "nyud")
    assert caught.value.filename


def test_what_was_begun_is_known_by_its_address(site, tmp_path):
    site.break_after = 1000
    with serve(site) as address:
        part = begin(address, tmp_path)
        known = json.loads(part.with_suffix(".part.json").read_text())
    assert known == {"url": address, "tag": site.tag, "size": len(CONTENT)}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:///etc/passwd", "not allowed"),
        ("ftp://example.org/a", "is not https"),
        ("http://[", "malformed"),
    ],
)
def test_redirect_to_another_scheme_is_refused(site, tmp_path, address, reason):
    site.moved = address
    with serve(site) as own, pytest.raises(UnavailableError, match=reason):
        download([own], tmp_path, "nyud")
    assert len(site.requests) == 1


def test_encrypted_address_does_not_lead_to_an_open_one(site):
    request = web.urllib.request.Request("https://example.org/a")
    with pytest.raises(UnavailableError, match="not https"):
        web.SameScheme().redirect_request(request, None, 302, "Found", {}, "http://example.org/a")


def test_redirect_within_the_scheme_is_followed(site, tmp_path):
    with serve(site) as there:
        other = Site(b"")
        other.moved = there
        with serve(other) as here:
            assert download([here], tmp_path, "nyud").read_bytes() == CONTENT


@pytest.mark.parametrize("length", ["abc", "-5", "1e5", "\u0663", ""])
def test_length_that_is_no_number_counts_as_unknown(site, tmp_path, length):
    site.length = length.encode("utf-8").decode("latin-1")
    with serve(site) as address:
        assert download([address], tmp_path, "nyud").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://a b/c", "http://a:x/", "http://a:99999/", "http://a/\n", "http://\u00e9/"]
)
def test_malformed_address_is_refused(tmp_path, url):
    with pytest.raises(UnavailableError, match="not a valid address"):
        download([url], tmp_path, "nyud")
