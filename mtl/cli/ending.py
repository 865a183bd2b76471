"""Runs a command: bad input ends in one line and exit code 1, a bug in its traceback, a sweep in a list of failures."""

import argparse
import multiprocessing
import os
import re
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from mtl import build
from mtl.children import end_with_parent
from mtl.cli.console import show_logs
from mtl.cli.explain import explain
from mtl.cli.settings import SEARCH
from mtl.cli.words import HELP, Own, as_path, first_paragraph, help_text, read_words, with_home
from mtl.files import write_whole
from mtl.run.folder import BeingTrainedError

REPORT = "error.txt"
SWEEP = ("-m", "--multirun")


def run(main: Callable[..., Any], doc: str | None, own: Own | None = None, others: bool = False) -> None:
    """Runs a script; `debug=true` on the command line shows the traceback of bad input as well.

    Args:
        main: What `hydra.main` made. With `own` a function of the values of the script's words and, with `others`, of
            the words for train.py.
        doc: The docstring of the script, whose first paragraph --help prints.
        own: The script's own words, if it parses the command line without Hydra.
        others: Whether the script takes the words of train.py as well.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints and exits by itself
    show_logs()
    words = sorted(sys.argv[1:], key=lambda word: word not in SWEEP)  # Hydra knows no -m between words
    words = [as_list(with_home(word)) for word in words]
    sys.argv[1:] = [word if word.partition("=")[0] in (own or ()) else as_path(word) for word in words]
    helps = any(word in HELP for word in words)
    try:
        sys.argv[1:] = with_folder(sys.argv[1:])
        if own is None:
            print(*[f"{first_paragraph(doc)}\n"] * helps, end="")
            main()
        elif helps:
            print(help_text(doc, own, others))
        else:
            values, rest = read_words(sys.argv[1:], own, others)
            main(values, rest) if others else main(values)
        sys.stdout.flush()
    except BrokenPipeError:  # of stdout or of another pipe
        if not reader_left():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
        raise SystemExit(128 + signal.SIGPIPE) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        words = [word for word in sys.argv[1:] if not word.startswith("-")]
        line = explain(error, words)
        if line is None or "debug=true" in words:
            raise
        end(line)


def reader_left() -> bool:
    """Whether the program that read stdout has ended, as after `| head`."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return bool(poll.poll(0))


def as_list(word: str) -> str:
    """Turns `logger=csv,wandb` into the list `logger=[csv,wandb]`, in a sweep as well; leaves other words unchanged.

    Loggers do not affect a run, so a sweep over them would only train the same run again.
    """
    key, _, value = word.partition("=")
    if key.lstrip("+") != "logger" or re.fullmatch(r"[\w-]+|\[[\w, -]*\]", value):
        return word
    return f"{key}=[{','.join(re.findall('[^][(), ]+', value))}]"


def with_folder(words: Sequence[str]) -> list[str]:
    """Turns `--config-dir DIR` into the word `hydra.searchpath=[DIR]`, which messages, records and sweeps keep.

    Raises:
        ValueError: There is no such folder.
    """
    options, words = argparse.ArgumentParser(add_help=False, allow_abbrev=False), list(words)
    options.add_argument("--config-dir", type=Path)
    given, words = options.parse_known_args(words)
    if given.config_dir is None:
        return words
    folder = given.config_dir.expanduser().absolute()
    if not folder.is_dir():
        raise ValueError(f"--config-dir {given.config_dir}: no such folder")
    return [*words, f"{SEARCH}[{folder}]" if re.fullmatch(r"[\w/.-]+", str(folder)) else f"{SEARCH}['{folder}']"]


def end(line: str) -> NoReturn:
    """Ends the process with exit code 1 and a line on stderr."""
    print(f"error: {line}", file=sys.stderr)
    raise SystemExit(1)


class FailedRuns(Callback):
    """Lets a sweep continue when a run fails, and lists all failures at the end; Hydra would show only one.

    A run that another process is training has not failed.

    The process that executes a run writes the traceback to the run folder and a line to the folder of the sweep. The
    process that started the sweep reads the lines.
    """

    def on_job_start(self, *_: Any, **__: Any) -> None:
        """Lets a process of the joblib launcher save and end if the one that started it has ended."""
        if multiprocessing.current_process().name.startswith("Loky"):
            end_with_parent()

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """Records how a run ended."""
        assert job_return.cfg is not None  # Hydra sets both
        assert job_return.overrides is not None
        folder = folder_of(job_return.cfg)
        if job_return.status is JobStatus.COMPLETED:
            if folder:
                (folder / REPORT).unlink(missing_ok=True)
            return
        error, words, debug = raised(job_return), list(job_return.overrides), job_return.cfg.get("debug")
        line = explain(error, [*(word for word in config.hydra.overrides.hydra if word.startswith(SEARCH)), *words])
        if config.hydra.mode is RunMode.RUN:
            if line and not debug:
                end(line)  # before Hydra adds a line of its own
            return
        job_return.status, job_return.return_value = JobStatus.COMPLETED, None
        if isinstance(error, BeingTrainedError):
            print(f"{folder}: being trained elsewhere", file=sys.stderr)
            return
        trace = "".join(traceback.format_exception(error))
        failure, place = line or trace.splitlines()[-1], str(folder or " ".join(words))
        failure = failure if failure.startswith(place) else f"{place}: {failure}"
        print(trace if debug else f"failed: {failure}", file=sys.stderr)
        try:
            if folder:
                write_whole(folder / REPORT, trace)
            write_whole(Path(config.hydra.sweep.dir) / f"failed-{config.hydra.job.num:05}.txt", failure)
        except OSError:  # such as on a full disk: the sweep ends here, because it could not list the failure
            job_return.status, job_return.return_value = JobStatus.FAILED, error

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Lists the failed runs, if any."""
        failures = [
            path.read_text("utf-8", errors="replace")
            for path in sorted(Path(config.hydra.sweep.dir).glob("failed-*.txt"))
        ]
        if failures:
            end("\n  ".join([f"{len(failures)} of the runs failed, see {REPORT} in their folders:", *failures]))


def folder_of(cfg: DictConfig) -> Path | None:
    """The run folder; None if the config is too broken to have one."""
    try:
        return build.run_folder(cfg)
    except (ValueError, KeyError, AttributeError, HydraException, OmegaConfBaseException):
        return None


def raised(job_return: JobReturn) -> Exception:
    """The exception of a failed run; Hydra returns it only if the run is marked as completed."""
    job_return.status = JobStatus.COMPLETED
    error = job_return.return_value
    job_return.status = JobStatus.FAILED
    return error
