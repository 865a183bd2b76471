"""Worker processes that score images while the main process continues with the next batch."""

import os
import pickle
import subprocess
import sys
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

AHEAD = 4  # images queued per process: enough to keep it busy, few enough to hold in memory
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# A scoring process gets empty modules in place of the parent packages. Their __init__ imports torch, which takes
# seconds and most of a gigabyte, but scoring only needs NumPy, SciPy and OpenCV.
START = """
import sys, types
for name, folders in {packages}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = folders
from {package}.serve import serve
serve()
"""


class Workers:
    """Calls one function for many images in separate processes and returns the results in the order of the calls.

        call 7 --submit-->  [6] [5] [4]  -->  two processes: 3 2  -->  [1] [0]  --ready-->  sum

    The processes start with the first call. They end when no call is left, or with the main process, even if that is
    killed. They are new interpreters, not forks: they share no lock, file or signal with the main process or the data
    loader, and Ctrl-C and SIGTERM do not reach them.
    """

    def __init__(self, function: Callable[..., Any], processes: int) -> None:
        """Store the settings; processes start with the first call.

        Args:
            function: Function to call; must be picklable.
            processes: Number of processes; with 0, calls run in the main process.

        Raises:
            ValueError: The number of processes is not an integer of 0 or more.
        """
        if type(processes) is not int or processes < 0:
            raise ValueError(f"workers={processes}: use a whole number, 0 or above")
        self.function, self.processes = function, processes
        self._waiting: deque[tuple[tuple, Future | None]] = deque()  # arguments of a call, and its future result
        self._team: _Team | None = None

    def __reduce__(self) -> tuple:
        return Workers, (self.function, self.processes)

    def submit(self, *arguments: Any) -> None:
        """Queue a call."""
        if self.processes and self._team is None:
            self._team = _Team(self.function, self.processes)
            self._dismiss = weakref.finalize(self, self._team.dismiss)
        self._waiting.append((arguments, self._team.submit(arguments) if self._team else None))

    def ready(self) -> Iterator[Any]:
        """Yield the finished results, oldest first; wait only if too many calls are pending."""
        while self._waiting:
            _, future = self._waiting[0]
            if future and not future.done() and len(self._waiting) <= AHEAD * self.processes:
                return
            yield self._oldest()

    def rest(self) -> Iterator[Any]:
        """Yield all remaining results, oldest first, then end the processes."""
        while self._waiting:
            yield self._oldest()
        self.forget()

    def forget(self) -> None:
        """Discard all calls whose results were not returned yet, and end the processes."""
        self._waiting.clear()
        if self._team:
            self._dismiss()
            self._team = None

    def _oldest(self) -> Any:
        arguments, future = self._waiting.popleft()
        result = future.result() if future else self.function(*arguments)
        if self._team and self._team.killed:
            self._team.killed.pop()
            warnings.warn("a scoring process was killed; this process does its work", stacklevel=2)
        return result


class _Team:
    """Scoring processes with one waiting thread each; if a process is killed, its thread does the work."""

    def __init__(self, function: Callable[..., Any], size: int) -> None:
        package = __name__.rpartition(".")[0]
        above = [package[:end] for end, letter in enumerate(package) if letter == "."]
        code = START.format(packages={name: list(sys.modules[name].__path__) for name in above}, package=package)
        self.function = function
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | ONE_THREAD,
                start_new_session=True,  # so that signals to the process group do not reach it
            )
            for _ in range(size)
        ]
        self.idle: SimpleQueue[subprocess.Popen | None] = SimpleQueue()  # None replaces a killed one
        for process in self.processes:
            self.idle.put(process)
        self.killed: list[subprocess.Popen] = []
        self.threads = ThreadPoolExecutor(size)

    def submit(self, arguments: tuple) -> Future:
        return self.threads.submit(self._call, arguments)

    def dismiss(self) -> None:
        """Wait for the running calls, then end the processes."""
        self.threads.shutdown(cancel_futures=True)
        for process in self.processes:
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            process.wait()

    def _call(self, arguments: tuple) -> Any:
        process = self.idle.get()
        try:
            if process:
                try:
                    returned, answer = _ask(process, self.function, arguments)
                except (EOFError, BrokenPipeError, pickle.UnpicklingError):
                    self.killed.append(process)
                    process = None
            if process is None:
                return self.function(*arguments)
        finally:
            self.idle.put(process)
        if not returned:
            raise answer
        return answer


def _ask(process: subprocess.Popen, function: Callable[..., Any], arguments: tuple) -> tuple[bool, Any]:
    """Run a call in the process: whether it returned, and its result or exception."""
    pickle.dump((function, arguments), process.stdin)
    process.stdin.flush()
    return pickle.load(process.stdout)
