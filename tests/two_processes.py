"""Two processes in a process group, which run functions of the tests."""

import multiprocessing
import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist


class TwoProcesses:
    """Both processes, until `close`; starting them takes seconds.

    Args:
        store: File through which they find each other.
    """

    def __init__(self, store: Path) -> None:
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in range(2)]
        self.ends = [ours for ours, _ in pipes]
        self.processes = [
            context.Process(target=serve, args=(rank, theirs, store), daemon=True)
            for rank, (_, theirs) in enumerate(pipes)
        ]
        for process, (_, theirs) in zip(self.processes, pipes, strict=True):
            process.start()
            theirs.close()  # so that the death of a process ends the wait for its result

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Results of function(rank, *arguments) in both; everything is passed by value, the function by its name."""
        call = pickle.dumps((function, arguments))
        for end in self.ends:
            end.send_bytes(call)
        return [pickle.loads(end.recv_bytes()) for end in self.ends]

    def close(self) -> None:
        """Ends both processes."""
        for end, process in zip(self.ends, self.processes, strict=True):
            end.close()
            process.join()


def serve(rank: int, end: Connection, store: Path) -> None:
    """Runs the calls until there are no more."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    while True:
        try:
            call = end.recv_bytes()
        except EOFError:
            break
        function, arguments = pickle.loads(call)
        end.send_bytes(pickle.dumps(function(rank, *arguments)))
    dist.destroy_process_group()
