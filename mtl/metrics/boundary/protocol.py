"""Protocol of the boundary benchmark: all settings that must agree for two numbers to be comparable."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from mtl.image_list import read_ids
from mtl.metrics.boundary.counts import boundary_counts
from mtl.metrics.boundary.truth import boundary_of


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Settings for turning an edge map into counts, and counts into scores.

    The protocols of the literature are in configs/protocol. The tolerance is a setting of the dataset instead.

    Args:
        name: Name of the preset.
        thresholds: Number of evenly spaced thresholds k / (thresholds + 1), k = 1 .. thresholds.
        ends: Thresholds in addition to the evenly spaced ones.
        strict: Whether a pixel must exceed the threshold; otherwise it may also equal it.
        nms: Radius of the non-maximum suppression in pixels, 0 for none.
        taper: Width of the image rim that the suppression fades to 0, in pixels.
        smooth: Whether to smooth the probability with [1 2 1] / 4 before the suppression.
        quantise: Whether to round the suppressed map to 8 bits, as if it were stored as an image.
        lines_as_partition: Whether a map of true lines is treated as a partition, as seism does with the edge images of
            NYUD-v2. A line one pixel wide then stays one line, half a pixel off and one pixel shorter; a wider line
            becomes its two sides. Otherwise the lines are the boundary and must be thin. A partition is always treated
            as one.
        interpolate: Whether the maximum for odsF is also searched between the thresholds.
        image_list: File that lists the images to score, one id per line; None scores the whole split.

    Raises:
        ValueError: A number is out of range, or taper, smooth or quantise is set without suppression.
    """

    name: str
    thresholds: Annotated[int, Interval(ge=0, le=1000)]
    ends: Sequence[Annotated[float, Interval(ge=0, le=1)]]
    strict: bool
    nms: Annotated[int, Ge(0)]
    taper: Annotated[int, Ge(0)]
    smooth: bool
    quantise: bool
    lines_as_partition: bool
    interpolate: bool
    image_list: str | Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", tuple(float(end) for end in self.ends))
        if not len(self.grid) or self.grid[0] < 0 or self.grid[-1] > 1:
            raise ValueError(f"thresholds={self.thresholds} with ends={list(self.ends)} must give numbers in [0, 1]")
        if self.nms < 0 or self.taper < 0:
            raise ValueError(f"nms={self.nms} and taper={self.taper} are pixels, 0 or more")
        if not self.nms and (self.taper or self.smooth or self.quantise):
            raise ValueError(
                f"taper={self.taper}, smooth={self.smooth} and quantise={self.quantise} are parts of the suppression, "
                "but nms=0: leave them out, or set nms=1"
            )

    @property
    def grid(self) -> np.ndarray:
        """The thresholds, ascending. Shape [K]."""
        even = {step / (self.thresholds + 1) for step in range(1, self.thresholds + 1)}
        return np.array(sorted(even.union(self.ends)))

    @property
    def preset(self) -> str:
        """Label of the numbers of this protocol: its name, followed by the name of the image list if there is one."""
        return f"{self.name}/{Path(self.image_list).stem}" if self.image_list else self.name

    def images(self) -> frozenset[str] | None:
        """Ids of the images to score; None means all.

        Raises:
            ValueError: The list cannot be read, is empty, or names an image twice.
        """
        if not self.image_list:
            return None
        try:
            ids = read_ids(Path(self.image_list))
        except ValueError as error:
            raise ValueError(f"protocol.image_list={self.image_list}: cannot read it ({error})") from error
        if not ids or len(set(ids)) < len(ids):
            raise ValueError(
                f"protocol.image_list={self.image_list}: {len(ids)} ids, {len(set(ids))} of them different; "
                "give each image once, an id a line"
            )
        return frozenset(ids)

    def boundary(self, truth: np.ndarray) -> np.ndarray:
        """The true boundary, bool. Shape [A, H, W].

        Args:
            truth: For each annotator, lines, bool, or the regions of a partition, int. Shape [A, H, W].
        """
        if truth.dtype == bool and not self.lines_as_partition:
            return truth
        return np.stack([boundary_of(partition) for partition in truth])

    def counts(self, probability: np.ndarray, truth: np.ndarray, *, max_distance: float) -> np.ndarray:
        """The four counts of one image at every threshold, int64. Shape [4, K].

        Args:
            probability: Edge probability, uint8 (of 255). Shape [H, W].
            truth: For each annotator, lines, bool, or the regions of a partition, int. Shape [A, H, W].
            max_distance: Largest distance of a pair, as a fraction of the image diagonal.
        """
        return boundary_counts(
            probability,
            self.boundary(truth),
            thresholds=self.grid,
            max_distance=max_distance,
            nms=self.nms,
            strict=self.strict,
            taper=self.taper,
            smooth=self.smooth,
            quantise=self.quantise,
        )
