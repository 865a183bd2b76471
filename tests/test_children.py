"""A process ends soon after the one that started it, even if that was killed."""

import os
import signal
import time

import pytest

from mtl import children


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("start", [children.be_helper, children.end_with_parent])
def test_process_ends_with_its_parent(start):
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:  # a parent that is killed, with a child that waits
        if os.fork() == 0:
            start()
            os.write(write, str(os.getpid()).encode())
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
        os._exit(0)
    child = int(os.read(read, 100))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    ended = not alive(child)
    if not ended:
        os.kill(child, signal.SIGKILL)
    assert ended


def test_helper_leaves_ctrl_c_to_its_parent(monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(children, "end_with_parent", lambda saving: None)
    try:
        children.be_helper()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
