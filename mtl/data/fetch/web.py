"""Fetches an archive from the first of several addresses that has it, and goes on where a connection broke off."""

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from mtl.files import read_json, write_json

TRIES = 5  # in a row that bring nothing
PAUSE = 1.0  # seconds between them, each time twice as long
PATIENCE = 60  # seconds without a byte
CHUNK = 1 << 20
GIVEN_UP = range(400, 500)  # answers that will not change by asking again
LATER = (408, 416, 425, 429)  # among them those that may
BROKEN = (OSError, http.client.HTTPException)
PAGES = (b"<!doctype", b"<html", b"<?xml")


class UnavailableError(ValueError):
    """An address does not give the archive."""


class Begun(NamedTuple):
    """A download on disk."""

    part: Path
    have: int  # bytes
    size: int | None  # of the whole file, in bytes
    tag: str | None  # by which the server knows the version of the file


def download(urls: Sequence[str], folder: Path, name: str) -> Path:
    """The archive as a file.

    What was begun stays in the folder, so that the same command goes on with it.

    Args:
        urls: Addresses of the archive, the best first.
        folder: Where it goes.
        name: Begins the file's name.

    Raises:
        ValueError: No address gives it.
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
    """The file at the address, whole.

    Raises:
        UnavailableError: It is not there, or the connection breaks off again and again.
    """
    if not url.startswith(("http://", "https://")):
        raise UnavailableError("no http address; a file on this machine is archive=FILE")
    idle = 0
    while True:
        begun = read_begun(part)
        if begun.size is not None and begun.have == begun.size:
            break
        try:
            if receive(url, begun):
                break
            reason = "the connection broke off"
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code} {error.reason}"
            if error.code == 416:  # no such range: what is here does not belong to what is there
                part.unlink(missing_ok=True)
            elif error.code in GIVEN_UP and error.code not in LATER:
                raise UnavailableError(reason) from error
        except BROKEN as error:
            if getattr(error, "filename", None):  # the disk, not the network
                raise
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        idle = 0 if read_begun(part).have > begun.have else idle + 1
        if idle == TRIES:
            raise UnavailableError(f"{reason}, {TRIES} times in a row")
        time.sleep(PAUSE * 2**idle if idle else 0)
    with open(part, "rb") as file:
        if file.read(512).lstrip().lower().startswith(PAGES):
            part.unlink()
            raise UnavailableError("it is a web page, not an archive: it may ask to log in, or for patience")


def receive(url: str, begun: Begun) -> bool:
    """Appends what the server sends; whether the file is whole."""
    headers = {"User-Agent": "mtl", "Accept-Encoding": "identity"}
    if begun.have:
        headers |= {"Range": f"bytes={begun.have}-"} | ({"If-Range": begun.tag} if begun.tag else {})
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
        resumed = answer.status == 206
        span = f"bytes {begun.have}-{(begun.size or 0) - 1}/{begun.size}"
        if resumed and answer.headers["Content-Range"] != span:  # it is another file by now
            begun.part.unlink()
            return False
        length = answer.headers["Content-Length"]
        start = begun.have if resumed else 0
        size = start + int(length) if length else None
        tag = answer.headers["ETag"] or answer.headers["Last-Modified"]
        tag = None if tag and tag.startswith("W/") else tag  # a weak one does not stand for the bytes
        write_json(begun.part.with_suffix(".part.json"), {"url": url, "tag": tag, "size": size})
        with (
            open(begun.part, "ab" if resumed else "wb") as file,
            tqdm(desc=begun.part.stem, total=size, initial=start, unit="B", unit_scale=True, mininterval=1) as bar,
        ):
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
            return size is None or file.tell() == size


def read_begun(part: Path) -> Begun:
    """What is on disk of the download."""
    about = part.with_suffix(".part.json")
    known = read_json(about) if about.exists() else {}
    return Begun(part, part.stat().st_size if part.exists() else 0, known.get("size"), known.get("tag"))
