"""Scoring process: reads calls from standard input and writes the results to standard output until the input ends."""

import os
import pickle
import sys
from collections.abc import Callable
from typing import Any

import cv2


def serve() -> None:
    """Read functions with arguments; for each, write whether it returned, and its result or exception."""
    cv2.setNumThreads(0)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # keep printed text out of the answers
    try:
        while True:
            pickle.dump(_call(*pickle.load(sys.stdin.buffer)), answers)
            answers.flush()
    except (EOFError, BrokenPipeError):  # the parent process has finished or died
        os._exit(0)


def _call(function: Callable[..., Any], arguments: tuple) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except Exception as error:
        return False, error
