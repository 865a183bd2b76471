"""Writes the statistics of a table, for its Markdown page and for the console."""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from tabulate import tabulate

from mtl.report.names import BLOCK, ROW, SINGLE_TASK, Row, Setting, named
from mtl.report.numbers.statistics.agreement import Agreement
from mtl.report.numbers.statistics.paired import detectable
from mtl.report.numbers.statistics.ranks import Ranks
from mtl.report.numbers.statistics.study import REFERENCES, Study
from mtl.report.numbers.table import LEVEL
from mtl.report.render.text import BOLD, label

TITLE = "## Statistics"
ONE_SEED = "Statistics: with one seed nothing can be said about chance. Train two or more: seed=0,1,2."
NO_GAINS = "Statistics need Δm, and so the single-task networks of the same seeds."
SEEDS = (3, 5)  # whose power is stated
ORDER = (
    "Seeds of one dataset are not independent datasets: the ranks say how stable the order is here, not that it holds "
    "on other datasets."
)
TESTS = (
    "Differences: mean over seeds with the 95 % t interval. p: two-sided paired t-test over seeds; Holm: corrected for "
    "the number of methods in the column; it decides, at 5 %. Rank: by Δm within a seed, 1 is best."
)


def page(study: Study, figure: str) -> list[str]:
    """The section of the Markdown page.

    Args:
        study: The statistics.
        figure: Path of the diagram of ranks, relative to the page; it is shown if there are ranks.
    """
    if reason := _nothing(study):
        return [TITLE, reason]
    notes = [TESTS, *sentences(study), *[ORDER] * bool(study.ranks)]
    picture = [f"![Mean ranks; a bar joins methods that do not differ significantly]({figure})"] * bool(study.ranks)
    return [TITLE, _table(study, "pipe"), *picture, "\n".join(f"- {line}" for line in notes)]


def console(study: Study) -> list[str]:
    """The same for the console, with only the comparison with Uniform in the table."""
    if reason := _nothing(study):
        return [reason]
    return ["Statistics", _table(study, "simple"), "\n".join(sentences(study))]


def sentences(study: Study) -> Iterator[str]:
    """What the tests found, and what they could have found."""
    for reference in REFERENCES:
        if len(found := study.by_delta_m(reference).dropna(subset="p")):
            yield _verdict(found, reference)
    if study.ranks:
        yield _order(study.ranks)
    for ours in dict.fromkeys(one.ours for one in study.agreements):
        yield _agreement([one for one in study.agreements if one.ours == ours])
    yield _power(study)


def ranks_caption(ranks: Ranks) -> str:
    """Text below the diagram of ranks."""
    return (
        f"Mean rank by Δm over {_blocks(ranks)}, 1 is best. A bar joins methods whose "
        f"ranks differ by less than the critical difference of {ranks.critical:.2f} (Nemenyi, 5 %). {ORDER}"
    )


def _nothing(study: Study) -> str:
    """Why there are no statistics; empty if there are some."""
    every = study.comparisons[study.comparisons["quantity"] == "delta_m"]
    if not (every["seeds"] > 0).any():
        return NO_GAINS
    return "" if (every["seeds"] > 1).any() else ONE_SEED


def _table(study: Study, form: str) -> str:
    """One line per method; the console has only the comparison with Uniform, if there is one."""
    found = {reference: study.by_delta_m(reference).set_index(ROW) for reference in REFERENCES}
    shown = [reference for reference in REFERENCES if found[reference]["p"].notna().any()]
    if form == "simple":
        shown = shown[:1]
    rows = list(found[SINGLE_TASK].index)  # with Uniform
    columns: dict[str, list[str]] = {}
    for reference in shown:
        own = found[reference].reindex(rows)
        columns[f"Δm − {reference}"] = [_interval(line, form) for line in own.to_dict("records")]
        if form == "pipe":
            columns[f"p ({reference})"] = [_p(p) for p in own["p"]]
        columns[f"Holm ({reference})" if form == "pipe" else "p (Holm)"] = [_p(p) for p in own["holm"]]
    if study.ranks:
        mean = study.ranks.mean
        columns["rank"] = [f"{mean[name]:.2f}" if (name := named(*row[-2:])) in mean else "" for row in rows]
    aligned = ["left", *["right"] * len(columns)]
    lines = zip(_labels(rows, rows), *columns.values(), strict=True)
    return tabulate(lines, ["method", *columns], tablefmt=form, disable_numparse=True, colalign=aligned)


def _rows(found: pd.DataFrame) -> list[Row]:
    return list(found[ROW].itertuples(index=False, name=None))


def _labels(shown: Sequence[Row], every: Sequence[Row]) -> list[str]:
    """Names of rows, with their network if the table has several blocks."""
    several = len({row[: len(BLOCK)] for row in every}) > 1
    return [f"{' '.join(row[1:3])}: " * several + label(row) for row in shown]


def _interval(line: Mapping[Hashable, Any], form: str) -> str:
    if math.isnan(line["difference"]):
        return ""
    text = f"{line['difference']:+z.2f}"
    if math.isnan(line["p"]):
        return text
    text += f" [{line['low']:+z.2f}, {line['high']:+z.2f}]"
    return BOLD.get(form, "{}*").format(text) if line["holm"] < LEVEL else text


def _place(setting: Setting) -> str:
    return ", ".join(word for word in setting if word)


def _p(p: float) -> str:
    return "" if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def _verdict(found: pd.DataFrame, reference: str) -> str:
    """Which methods differ from a reference after the correction, and how many would before it."""
    significant = found[found["holm"] < LEVEL]
    text = (
        f"Δm compared with {reference}: {len(significant)} of {len(found)} differences are significant after Holm's "
        f"correction ({(found['p'] < LEVEL).sum()} without it)"
    )
    for word, side in (("above", significant["difference"] > 0), ("below", significant["difference"] < 0)):
        if side.any():
            text += f"; {word}: {', '.join(_labels(_rows(significant[side]), _rows(found)))}"
    return f"{text}."


def _order(ranks: Ranks) -> str:
    count = len(ranks.mean)
    values = list(ranks.mean)
    apart = sum(other - rank >= ranks.critical for place, rank in enumerate(values) for other in values[place:])
    without = f" Not ranked, because they lack a block: {', '.join(ranks.without)}." * bool(ranks.without)
    return (
        f"Ranks of {count} methods over {_blocks(ranks)}: Friedman's χ² {ranks.statistic:.1f}, p {_p(ranks.p)}. "
        f"Nemenyi's critical difference of two mean ranks is {ranks.critical:.2f} (5 %): {apart} of "
        f"{count * (count - 1) // 2} pairs differ by as much.{without}"
    )


def _blocks(ranks: Ranks) -> str:
    return f"{ranks.blocks} seeds" if ranks.settings == 1 else f"{ranks.blocks} pairs of setting and seed"


def _agreement(found: Sequence[Agreement]) -> str:
    """Correlations of one setting of ours with settings of the paper."""
    parts = [
        f"{_place(one.paper)}: ρ {one.rho:+z.2f} [{one.low:+z.2f}, {one.high:+z.2f}], p {_p(one.p)}, "
        f"{one.methods} methods"
        for one in found
    ]
    return (
        f"Order by mean Δm on {_place(found[0].ours)} compared with the paper's (Spearman's ρ; 95 % interval: "
        f"bootstrap over our {found[0].seeds} seeds; p: permutation test): {'; '.join(parts)}."
    )


def _power(study: Study) -> str:
    """The smallest differences that the tests would find, for the median method."""
    tests = [study.by_delta_m(reference).dropna(subset="p") for reference in REFERENCES]
    found = next(one for one in tests if len(one))
    std = found["std"].median()
    parts = [
        f"{detectable(std, count):.2f} points with {count} seeds "
        f"({detectable(std, count, LEVEL / len(found)):.2f} at the first step of Holm's correction)"
        for count in sorted({*SEEDS, int(found["seeds"].max())})
    ]
    return (
        f"Power: differences from {found['reference'].iloc[0]} have a standard deviation over seeds of {std:.2f} "
        f"points (median method), so a true difference in Δm is found with a probability of 80 % if it is at least "
        f"{', '.join(parts)}."
    )
