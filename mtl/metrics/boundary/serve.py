"""A scoring process: answers calls from its standard input on its standard output until the input ends."""

import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

import cv2


def serve() -> None:
    """Read functions with their arguments; write for each whether it returned, and what it returned or raised."""
    cv2.setNumThreads(0)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints is no answer
    try:
        while True:
            pickle.dump(_call(*pickle.load(sys.stdin.buffer)), answers)
            answers.flush()
    except (EOFError, BrokenPipeError):  # whoever asked is done, or gone
        os._exit(0)


def _call(function: Callable[..., Any], arguments: tuple) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except Exception as error:
        return False, error
