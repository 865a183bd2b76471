"""Downloads an archive from the first working address, and resumes interrupted downloads."""

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tqdm import tqdm

from mtl.files import naming, read_json, warn, write_json

TRIES = 5  # attempts in a row without progress
PAUSE = 1.0  # seconds before the first retry, doubled for each further one
PATIENCE = 60  # timeout in seconds
CHUNK = 1 << 20
GIVEN_UP = range(300, 500)  # status codes for which a retry is pointless; 3xx: a redirect that is not followed
LATER = (408, 416, 425, 429)  # exceptions to these
BROKEN = (OSError, http.client.HTTPException)
PAGES = (b"<!doctype", b"<html", b"<?xml")


class UnavailableError(ValueError):
    """An address does not provide the archive."""


class SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirects to https, and from http to http; not from https to what is not encrypted."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The next request.

        Raises:
            UnavailableError: The redirect leads to another scheme.
        """
        if urlsplit(newurl).scheme not in {"https", req.type}:
            raise UnavailableError(f"it redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


OPEN = urllib.request.build_opener(SameScheme).open


class Begun(NamedTuple):
    """A partial download on disk."""

    part: Path
    have: int  # bytes
    size: int | None  # of the whole file, in bytes
    tag: str | None  # the server's tag of this version of the file


def download(urls: Sequence[str], folder: Path, name: str) -> Path:
    """Download an archive and return its path.

    Partial downloads stay in the folder, so that the same command resumes them.

    Args:
        urls: Addresses of the archive, in order of preference.
        folder: Destination.
        name: Prefix of the file's name.

    Raises:
        ValueError: No address provides the archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        path = folder / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.archive"
        if path.exists():
            return path
        try:
            fetch(url, path.with_suffix(".part"))
        except UnavailableError as error:
            failures.append(f"{url}: {error}")
            continue
        path.with_suffix(".part").rename(path)
        path.with_suffix(".part.json").unlink()
        return path
    raise UnavailableError("; ".join(failures))


def fetch(url: str, part: Path) -> None:
    """Download the complete file at an address, with retries.

    Raises:
        UnavailableError: The file does not exist, the connection fails repeatedly, or the address is malformed.
    """
    check_address(url)
    idle = 0
    while True:
        begun = read_begun(part)
        if begun.size is not None and begun.have == begun.size:
            break
        try:
            if receive(url, begun):
                break
            reason = "the connection was interrupted"
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code == 416:  # no such range: the partial download is of another file
                part.unlink(missing_ok=True)
            elif error.code in GIVEN_UP and error.code not in LATER:
                raise UnavailableError(reason) from error
        except UnavailableError:
            raise
        except ValueError as error:  # such as a redirect to half an address
            raise UnavailableError(f"its answer is malformed ({error})") from error
        except BROKEN as error:
            if getattr(error, "filename", None):  # the disk, not the network
                raise
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        idle = 0 if read_begun(part).have > begun.have else idle + 1
        if idle == TRIES:
            raise UnavailableError(f"{reason}, {TRIES} times in a row")
        time.sleep(PAUSE * 2**idle if idle else 0)
    refuse_page(part)


def check_address(url: str) -> None:
    """Refuse what is not http or https, and what has no host, an invalid port, spaces or letters beyond ASCII.

    Raises:
        UnavailableError: The address is refused.
    """
    if not url.startswith(("http://", "https://")):
        raise UnavailableError("not an http address; for a local file give archive=FILE")
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0 and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        valid = False
    if not valid:
        raise UnavailableError("not a valid address: it needs a host, and %20 for a space")


def refuse_page(part: Path) -> None:
    """Delete a web page that came in place of the archive.

    Raises:
        UnavailableError: It is one.
    """
    with open(part, "rb") as file:
        start = file.read(512)
    if start.lstrip().lower().startswith(PAGES):
        part.unlink()
        raise UnavailableError("a web page, not an archive: it may ask to log in, or to wait")


def receive(url: str, begun: Begun) -> bool:
    """Append what the server sends, and return whether the file is complete."""
    headers = {"User-Agent": "mtl", "Accept-Encoding": "identity"}
    if begun.have:
        headers |= {"Range": f"bytes={begun.have}-"} | ({"If-Range": begun.tag} if begun.tag else {})
    with OPEN(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
        resumed = answer.status == 206
        span = f"bytes {begun.have}-{(begun.size or 0) - 1}/{begun.size}"
        if resumed and answer.headers["Content-Range"] != span:  # the file has changed on the server
            begun.part.unlink()
            return False
        length = answer.headers["Content-Length"] or ""
        start = begun.have if resumed else 0
        size = start + int(length) if length.isascii() and length.isdigit() else None
        tag = answer.headers["ETag"] or answer.headers["Last-Modified"]
        tag = None if tag and tag.startswith("W/") else tag  # a weak tag does not guarantee equal bytes
        write_json(begun.part.with_suffix(".part.json"), {"url": url, "tag": tag, "size": size})
        with (
            open(begun.part, "ab" if resumed else "wb") as file,
            tqdm(desc=begun.part.stem, total=size, initial=start, unit="B", unit_scale=True, mininterval=1) as bar,
        ):
            while chunk := answer.read(CHUNK):
                with naming(begun.part):
                    file.write(chunk)
                bar.update(len(chunk))
            return size is None or file.tell() == size


def read_begun(part: Path) -> Begun:
    """The partial download on disk."""
    about = part.with_suffix(".part.json")
    try:
        known = read_json(about, {"size": (int, type(None)), "tag": (str, type(None))}) if about.exists() else {}
    except ValueError as error:
        known = {}
        warn(f"{error}: the download starts again")
    return Begun(part, part.stat().st_size if part.exists() else 0, known.get("size"), known.get("tag"))
