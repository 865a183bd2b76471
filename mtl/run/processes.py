"""Runs a module in several processes on this machine through torchrun, without its log and its traceback."""

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from mtl.children import end_with_parent

FAILED = "error: "  # how a line about bad input starts


def run_processes(module: str, words: Sequence[str], processes: int, say: Callable[[str], None]) -> tuple[int, str]:
    """Runs a module; a signal to this process is passed on once, so that a run saves before it ends.

    Args:
        module: Its name.
        words: Its command line.
        processes: Number of processes.
        say: Prints a line that they write to stderr.

    Returns:
        The exit code of the first process that failed or 0, and the line about bad input, if they wrote one.
    """
    options = ["--standalone", f"--nproc-per-node={processes}", "--module", module, *words]
    child = subprocess.Popen(
        [sys.executable, "-m", "mtl.run.processes", *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C would reach it twice
    )
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda received, _: child.send_signal(received)) for number in signals}
    failures = []
    try:
        for line in child.stderr or ():
            if line.startswith(FAILED):
                failures.append(line.removeprefix(FAILED).rstrip("\n"))
            else:
                say(line.rstrip("\n"))
        return child.wait(), next(iter(failures), "")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def torchrun(options: Sequence[str]) -> int:
    """Exit code of torchrun, or of the first of its processes that failed."""
    from torch.distributed import run  # noqa: PLC0415  slow
    from torch.distributed.elastic.multiprocessing import SignalException  # noqa: PLC0415
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError  # noqa: PLC0415

    logging.disable()
    try:
        run.main(options)
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        return code if code > 0 else 128 - code
    except SignalException as error:
        return 128 + error.sigval
    return 0


if __name__ == "__main__":
    end_with_parent()
    sys.exit(torchrun(sys.argv[1:]))
