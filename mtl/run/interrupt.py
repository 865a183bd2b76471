"""Handles SIGTERM and Ctrl-C between two training steps."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

STOPPED = (130, 143, -2, -15)  # exit codes of a process that Ctrl-C or SIGTERM ended


class Interrupts:
    """Context in which the first SIGTERM or SIGINT is only recorded; a second one has its usual effect."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}  # handlers

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
            self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._before[number])

    def agree(self, largest: Callable[[int], int]) -> None:
        """Lets all processes of a run know of a signal to any of them, so that they end after the same step.

        Args:
            largest: The largest number of all processes.
        """
        self.received = largest(self.received or 0) or None

    def exit_if_received(self) -> None:
        """Exits with 128 plus the number of a recorded signal: 143 after SIGTERM, 130 after Ctrl-C."""
        if self.received is not None:
            raise SystemExit(128 + self.received)
