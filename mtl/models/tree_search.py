"""Where tasks should part in a branched network, from how alike their single-task networks represent images.

Vandenhende et al., Branched Multi-Task Networks: Deciding What Layers to Share, BMVC 2020, Sec. 3.
https://arxiv.org/abs/1904.02920

Deviations from the paper: all trees are tried, instead of a beam of them, and the images are training images that the
networks have seen, instead of ones held out.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl.backbones.stages import NAMES

PIECE = 2**20  # numbers of an image that are correlated at once, in float64
Groups = tuple[tuple[int, ...], ...]  # tasks, by their places, in groups that share a stage


class Candidate(NamedTuple):
    """A tree."""

    tree: dict[str, list[list[str]]]  # groups of tasks by stage, as `Branched` takes them
    cost: float  # sum over stages of the mean distance in a group
    parameters: int  # of all copies of the stages

    @property
    def word(self) -> str:
        """The tree on the command line: the stages at which tasks part, and always the last one."""
        before, parts = [], []
        for stage, groups in self.tree.items():
            if (groups != before and len(groups) > 1) or stage == NAMES[-1]:
                joined = ",".join(f"[{','.join(group)}]" for group in groups)
                parts.append(f"{stage}:[{joined}]")
            before = groups
        return f"model.network.tree={{{','.join(parts)}}}"


def dissimilarity(maps: Tensor) -> NDArray[np.float64]:
    """1 - Pearson's correlation between the features of every two images.

    Args:
        maps: Features of K images at one place of a network. Shape [K, N].

    Returns:
        Shape [K, K].

    Raises:
        ValueError: The features of an image are all equal.
    """
    count, size = maps.shape
    totals = torch.zeros(count, dtype=torch.float64, device=maps.device)
    products = torch.zeros(count, count, dtype=torch.float64, device=maps.device)
    for piece in maps.split(PIECE, dim=1):
        piece = piece.double()  # noqa: PLW2901
        totals += piece.sum(dim=1)
        products += piece @ piece.T
    covariance = (products - torch.outer(totals, totals) / size).cpu().numpy()
    spread = np.sqrt(np.diag(covariance).clip(0))
    if not spread.all():
        raise ValueError("the features of an image are all equal, so that they have no correlation")
    return 1 - covariance / np.outer(spread, spread)


def distances(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """1 - Spearman's correlation between the dissimilarities of every two tasks.

    Args:
        matrices: The dissimilarity matrix [K, K] of each of T tasks, at one place of their networks.

    Returns:
        Shape [T, T].

    Raises:
        ValueError: There are fewer than three images.
    """
    from scipy.stats import rankdata  # noqa: PLC0415  takes a moment to import

    upper = np.triu_indices(len(matrices[0]), k=1)
    if len(upper[0]) < 3:
        raise ValueError(f"{len(matrices[0])} images: use 3 or more, of which every two are compared")
    return 1 - np.corrcoef([rankdata(matrix[upper]) for matrix in matrices])


def candidates(names: Sequence[str], distances: Sequence[NDArray[np.float64]], sizes: Sequence[int]) -> list[Candidate]:
    """The trees of which none with as few parameters has a lower cost, from one encoder for all to one for each.

    The cost of a stage is the mean over its groups of the largest distance of two tasks in the group. All trees are
    tried: 35 for three tasks at four stages, 315 for four, 3,455 for five, 44,590 for six.

    Args:
        names: The T tasks.
        distances: Distance of every two tasks behind each of the four stages. Shape [T, T] each.
        sizes: Parameters of each stage.

    Returns:
        In order of their parameters.
    """
    costs = [
        {groups: cost_of(groups, matrix) for groups in partitions(tuple(range(len(names))))} for matrix in distances
    ]
    best: dict[int, tuple[float, tuple[Groups, ...]]] = {}
    for tree in trees((tuple(range(len(names))),), len(sizes)):
        parameters = sum(len(groups) * size for groups, size in zip(tree, sizes, strict=True))
        cost = sum(known[groups] for groups, known in zip(tree, costs, strict=True))
        if parameters not in best or cost < best[parameters][0]:
            best[parameters] = cost, tree
    found: list[Candidate] = []
    for parameters, (cost, tree) in sorted(best.items()):
        if not found or cost < found[-1].cost:
            named = [[[names[task] for task in group] for group in groups] for groups in tree]
            found.append(Candidate(dict(zip(NAMES, named, strict=True)), cost, parameters))
    return found


def cost_of(groups: Groups, distances: NDArray[np.float64]) -> float:
    """Mean over the groups of the largest distance [T, T] of two tasks in the group; 0 for a task alone."""
    return float(np.mean([distances[np.ix_(group, group)].max() if len(group) > 1 else 0 for group in groups]))


def trees(groups: Groups, depth: int) -> Iterator[tuple[Groups, ...]]:
    """All ways to divide the groups further at each of so many stages."""
    if depth == 0:
        yield ()
        return
    for finer in refinements(groups):
        for rest in trees(finer, depth - 1):
            yield (finer, *rest)


def refinements(groups: Groups) -> Iterator[Groups]:
    """All ways to divide the groups further, or not at all, each in the order of its first tasks."""
    if not groups:
        yield ()
        return
    for parts in partitions(groups[0]):
        for rest in refinements(groups[1:]):
            yield tuple(sorted((*parts, *rest)))


def partitions(tasks: tuple[int, ...]) -> Iterator[Groups]:
    """All ways to divide tasks into groups, each in the order of its first tasks."""
    if not tasks:
        yield ()
        return
    first, rest = tasks[0], tasks[1:]
    for groups in partitions(rest):
        yield ((first,), *groups)
        for place, group in enumerate(groups):
            yield tuple(sorted(((first, *group), *groups[:place], *groups[place + 1 :])))
