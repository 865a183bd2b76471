"""What the package logs, as plain lines for a person at a terminal."""

import io
import logging
import sys


class Lines(logging.Handler):
    """Prints the messages alone, to the current stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a line."""
        print(self.format(record), file=sys.stderr)


def show_logs() -> None:
    """Prints what the package logs from now on; characters that the terminal does not have become question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    logger = logging.getLogger("mtl")
    if not logger.handlers:
        logger.addHandler(Lines())
