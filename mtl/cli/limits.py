"""Turns errors of the operating system, and of memory that runs out, into one line with what to do."""

import errno
import re

FOLDERS = "choose other folders with data= and results="
MEMORY = "lower recipe.batch_size or workers=, or run fewer programs at a time"
FILES = "raise the limit, such as with ulimit -n 4096, or lower workers="
LOCKS = f"this file system has no locks: mount it with them (flock), or {FOLDERS}"
SHARED = "give /dev/shm more room, or use workers=0"
FIXES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EROFS), f"fix this, or {FOLDERS}"),
    errno.EFBIG: f"raise the limit (ulimit -f), or {FOLDERS} on a file system without it",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), FILES),
    errno.ENOMEM: MEMORY,
    **dict.fromkeys((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS), LOCKS),
}
KILLED = f"often because memory ran out; {MEMORY}; the same command goes on where it stopped"
GPU = "lower recipe.batch_size, or split it with recipe.micro_batches=2"
MESSAGES = {  # of torch, which has no numbers for these errors
    r"CUDA out of memory[^:]*?(?= GPU \d|$)|CUDA error: out of memory": GPU,
    r"can't allocate memory[^.]*|Unable to allocate [^.]*\.?\d* \w+|[Cc]annot allocate memory": MEMORY,
    r"[Tt]oo many open files|received 0 items of ancdata": FILES,
    r"[^.]*insufficient shared memory[^.]*|[^.]*killed by signal: Bus error": SHARED,
    r"DataLoader worker [^.]*(killed by signal|exited unexpectedly)": KILLED,
    r"A (process in the process pool|worker process managed by the executor) was [^.]*?terminated": KILLED,
}


def refused_by_system(error: BaseException) -> str | None:
    """A line for unusable paths, full disks, missing locks, and limits of memory and open files.

    torch raises its own error on a full disk, so the causes of an error are examined as well.
    """
    link = error
    while link is not None:
        if isinstance(link, OSError) and (link.errno in FIXES or (link is error and link.filename)):
            path = f"{link.filename}: " if link.filename else ""
            return f"{path}{link.strerror}; {FIXES.get(link.errno or 0, f'fix this, or {FOLDERS}')}"
        link = link.__cause__ or link.__context__
    if not isinstance(error, MemoryError | OSError | RuntimeError):
        return None
    for message, fix in MESSAGES.items():
        if found := re.search(message, str(error)):
            return f"{found[0].strip(' .')}: {fix}"
    return f"out of memory: {MEMORY}" if isinstance(error, MemoryError) else None
