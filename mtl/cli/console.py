"""What the package logs, as plain lines for a person at a terminal."""

import logging
import sys


class Lines(logging.Handler):
    """Prints the messages alone, to the current stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a line."""
        print(self.format(record), file=sys.stderr)


def show_logs() -> None:
    """Prints what the package logs from now on."""
    logger = logging.getLogger("mtl")
    if not logger.handlers:
        logger.addHandler(Lines())
