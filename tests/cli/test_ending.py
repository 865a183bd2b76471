import signal
import subprocess
import sys

import pytest

from mtl.cli.ending import as_list


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("logger=csv,wandb", "logger=[csv,wandb]"),
        ("+logger=wandb, mlflow", "+logger=[wandb,mlflow]"),
        ("logger=[csv],[csv,wandb]", "logger=[csv,csv,wandb]"),
        ("logger=choice(csv,wandb)", "logger=[choice,csv,wandb]"),  # no such logger
        ("logger=glob(*)", "logger=[glob,*]"),  # likewise
        *(
            (word, word)
            for word in ("logger=wandb", "logger=[csv,wandb]", "logger=[]", "weighter=uniform,avgnorm", "-m")
        ),
        ("logger.wandb.project=a,b", "logger.wandb.project=a,b"),
    ],
)
def test_loggers_are_a_list_and_never_a_sweep(word, wanted):
    assert as_list(word) == wanted


MAIN = """
import sys
from mtl import cli

def main(own):
    sys.stdin.read()
    {}

cli.run(main, "Doc.", {{}})
"""


def program(body):
    """A program that waits until its input is closed."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", MAIN.format(body)], **pipes, text=True)


@pytest.mark.parametrize("lines", [1, 100_000])  # written when it ends, or before
def test_program_whose_reader_has_left_ends_without_a_word(lines):
    with program(f"print('line\\n' * {lines})") as started:
        started.stdout.close()
        started.stdin.close()
        assert started.stderr.read() == ""
    assert started.returncode == 128 + signal.SIGPIPE


def test_other_broken_pipe_is_an_error():
    with program("raise BrokenPipeError") as started:
        assert "BrokenPipeError" in started.communicate()[1]
    assert started.returncode == 1
