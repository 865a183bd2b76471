"""Unpacks tar archives safely: nothing is written outside the folder, and the folder appears only when complete."""

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from tqdm import tqdm

from mtl.files import naming

BROKEN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)
COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
CHUNK = 1 << 20


def extract(archives: Sequence[Path], folder: Path) -> None:
    """Unpack archives into one new folder.

    Args:
        archives: Tar files, compressed or not.
        folder: Destination, which must not exist yet.

    Raises:
        ValueError: An archive is broken, or has a member that must not be unpacked.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        links = [link for archive in archives for link in unpack(archive, unfinished)]
        make(links, unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def unpack(archive: Path, folder: Path) -> list[tuple[Path, Path]]:
    """Unpack the files and folders of an archive.

    Returns:
        Its links and their targets. They must be created after all files, so that no file is written through a link.
    """
    links = []
    try:
        for tar, member in members(archive):
            target = folder / inside(archive, member.name)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif member.isreg():
                target.parent.mkdir(parents=True, exist_ok=True)
                with naming(target), cast("IO[bytes]", tar.extractfile(member)) as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file)
                os.utime(target, (member.mtime, member.mtime))
            elif member.issym() or member.islnk():
                above = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
                links.append((target, folder / inside(archive, str(above / member.linkname), member.name)))
            else:
                raise ValueError(f"{archive}: {member.name} is not a file, folder or link: use another archive")
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk; a wrong checksum has no number
            raise
        raise ValueError(f"{archive}: not a complete tar archive ({error}); fetch it again") from error
    return links


def make(links: Sequence[tuple[Path, Path]], folder: Path) -> None:
    """Create the links.

    Raises:
        ValueError: A link leads out of the folder through another link.
    """
    for link, target in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))
    for link, _ in links:
        if not link.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"link {link.relative_to(folder)} leads out of its folder: use another archive")


def members(archive: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Members of the archive, in order, with a progress bar; its checksum is verified after the last one."""
    with (
        open(archive, "rb") as file,
        tqdm(desc=f"unpacking {archive.name}", total=archive.stat().st_size, unit="B", unit_scale=True) as bar,
        decompressed(file) as stream,
    ):
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                yield tar, member
                bar.update(file.tell() - bar.n)
        while stream.read(CHUNK):  # to the end, where the checksum is; tarfile stops before it
            pass


@contextmanager
def decompressed(file: BinaryIO) -> Iterator[BinaryIO]:
    """What the file contains, decompressed if its first bytes say so. tarfile would not verify the checksum of gzip."""
    start = file.read(8)
    file.seek(0)
    opener = next((opener for magic, opener in COMPRESSED.items() if start.startswith(magic)), None)
    if opener is None:
        yield file
        return
    with opener(file) as stream:
        yield stream


def inside(archive: Path, name: str, link: str = "") -> str:
    """The normalised path below the folder.

    Raises:
        ValueError: The path leads out of the folder.
    """
    path = os.path.normpath(name)
    if name.startswith("/") or "\\" in name or path.split("/")[0] == "..":
        what = f"link {link} to {name}" if link else name
        raise ValueError(f"{archive}: {what} leads out of its folder: use another archive")
    return path
