"""Processes that work for another one: they leave signals to it, and end with it."""

import os
import signal
import threading
import time

SAVING = 60  # seconds that a training process has to save
WATCH = "watches the parent"


def be_helper() -> None:
    """Lets this process ignore Ctrl-C, which its parent answers, and end when its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(saving=0)


def end_with_parent(saving: float = SAVING) -> None:
    """Lets this process end within seconds of its parent, even if that is killed; once for each process.

    Args:
        saving: Seconds between SIGTERM, after which a run saves, and the end.
    """
    if all(thread.name != WATCH for thread in threading.enumerate()):
        threading.Thread(target=_watch, args=(os.getppid(), saving), name=WATCH, daemon=True).start()


def _watch(parent: int, saving: float) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    if saving:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(saving)
    os._exit(1)
