"""Where the time of a run goes."""

import time
from datetime import UTC, datetime
from typing import Any

PARTS = ("training", "data", "evaluation", "scoring", "other")


class Clock:
    """Sums the wall-clock seconds of the parts of a run, over all processes that it took until a checkpoint.

    The parts are `training` steps, waiting for their `data`, `evaluation` without `scoring` (waiting for the metrics),
    and `other`: start, checkpoints and logs.
    """

    def __init__(self) -> None:
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.seconds: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        self._since = time.perf_counter()

    def lap(self, part: str) -> None:
        """Adds the time since the last call to the part."""
        now = time.perf_counter()
        self.seconds[part] += now - self._since
        self._since = now

    def summary(self) -> dict[str, Any]:
        """For the record: when the run started, its duration in seconds, and the seconds of each part."""
        return {"started": self.started, "wall_seconds": sum(self.seconds.values()), "seconds": dict(self.seconds)}

    def state_dict(self) -> dict[str, Any]:
        """When the run started, and the seconds of each part."""
        return {"started": self.started, "seconds": dict(self.seconds)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Adds the time of the earlier processes."""
        self.started = state["started"]
        self.seconds = {part: seconds + state["seconds"][part] for part, seconds in self.seconds.items()}
