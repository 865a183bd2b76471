"""A run that is stopped after its first step and resumed, next to an undisturbed one."""

import os
import signal
from collections.abc import Callable

import pytest
import torch

from mtl.engine.trainer import Trainer
from mtl.run.checkpoint import load_checkpoint


def assert_stopped_run_ends_as_an_undisturbed_one(make: Callable[[str], Trainer]) -> Trainer:
    """Compares logs and weights, bit for bit; gives the trainer that resumed.

    Args:
        make: Builds the trainer of a run whose folder has the given name.
    """
    whole = make("whole")
    assert whole.fit()["skipped_steps"] == 0
    first = make("parts")
    first.weighter.after_step = lambda _: os.kill(os.getpid(), signal.SIGTERM) if first.progress.step == 1 else None
    with pytest.raises(SystemExit):
        first.fit()
    torch.manual_seed(99)  # a new process starts elsewhere
    last = make("parts")
    last.fit()
    for name in ("gradients.csv", "metrics.csv"):
        assert (last.folder / name).read_text() == (whole.folder / name).read_text()
    ours, theirs = (load_checkpoint(run.folder / "last.pt")["model"] for run in (last, whole))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], value) for key, value in theirs.items())
    return last
