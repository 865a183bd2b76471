"""A named number with one value per seed, and arithmetic on such numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtl.delta_m import task_gain

DIFFERS = 0.02  # points: a printed number further than this from the recomputed one is shown


class MissingError(LookupError):
    """A number that a claim needs is missing; the message is a noun phrase that names it."""


@dataclass(frozen=True)
class Quantity:
    """A number with one value per seed.

    Args:
        values: Value by seed.
        where: Short name of the setting: "NYUD R18".
        what: Method, task or both: "Uniform edge".
        exact: Whether it is a number of the paper, which is taken as printed, without noise.
        printed: The paper's printed Delta_m, if `values` is recomputed from cells.
        higher: Whether higher is better.
        form: Format specification of a value.
    """

    values: Mapping[int, float]
    where: str
    what: str
    exact: bool = False
    printed: float | None = None
    higher: bool = True
    form: str = "+z.2f"

    @property
    def numbers(self) -> np.ndarray:
        """The values without their seeds."""
        return np.array(list(self.values.values()))

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return float(np.mean(self.numbers))

    @property
    def name(self) -> str:
        """Setting, method and task."""
        return f"{self.where} {self.what}".strip()

    def __str__(self) -> str:
        text = f"{self.mean:{self.form}}"
        if len(self.values) > 1 and np.isfinite(self.numbers).all():
            text += f" ± {self.numbers.std(ddof=1):{self.form.replace('+', '')}}"
        if self.printed is not None and abs(self.printed - self.mean) > DIFFERS:
            text += f" (printed {self.printed:{self.form}})"
        return text.replace("-", "−")

    def __sub__(self, other: "Quantity") -> "Quantity":
        both = None if self.printed is None or other.printed is None else self.printed - other.printed
        return replace(together([self, other], lambda a, b: a - b), printed=both)

    def __abs__(self) -> "Quantity":
        printed = None if self.printed is None else abs(self.printed)
        return replace(
            self,
            values={seed: abs(value) for seed, value in self.values.items()},
            printed=printed,
            form=self.form.replace("+", ""),
        )

    def over(self, other: "Quantity") -> "Quantity":
        """Gain over the other quantity in percent, positive if better; seeds where the other is 0 are dropped."""
        other = replace(other, values={seed: value for seed, value in other.values.items() if value})
        gain = together([self, other], lambda a, b: task_gain(a, b, self.higher))
        return replace(gain, higher=True, form="+z.2f", printed=None)


def together(quantities: Sequence[Quantity], combine: Callable[..., float]) -> Quantity:
    """Combines quantities seed by seed; the result is named after the first.

    Args:
        quantities: Quantities to combine.
        combine: Function of their values at a seed.

    Raises:
        MissingError: They have no seed in common.
    """
    seeds = [seed for seed in quantities[0].values if all(seed in quantity.values for quantity in quantities)]
    if not seeds:
        raise MissingError(f"a seed common to {' and '.join(dict.fromkeys(q.name for q in quantities))}")
    values = {seed: float(combine(*(quantity.values[seed] for quantity in quantities))) for seed in seeds}
    return replace(quantities[0], values=values, printed=None)
