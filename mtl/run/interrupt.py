"""SIGTERM and Ctrl-C as a question asked between two steps."""

import signal
import threading
from types import FrameType


class Interrupts:
    """While it is entered, the first SIGTERM or SIGINT is only noted; a second one does what it always does."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.received: int | None = None
        self._before = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._before[number])

    def exit_if_received(self) -> None:
        """Ends the process with 128 plus the number of the signal: 143 after SIGTERM, 130 after Ctrl-C."""
        if self.received is not None:
            raise SystemExit(128 + self.received)
