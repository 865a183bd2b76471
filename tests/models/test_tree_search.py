import itertools

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from mtl.models import tree_search
from mtl.models.branched import groups_of
from mtl.models.tree_search import candidates, cost_of, dissimilarity, distances, trees

THREE = np.array([[0, 0.2, 0.6], [0.2, 0, 0.5], [0.6, 0.5, 0]])


@pytest.mark.parametrize(
    ("groups", "cost"),
    [
        (((0, 1, 2),), 0.6),
        (((0, 1), (2,)), 0.1),
        (((0, 2), (1,)), 0.3),
        (((0,), (1, 2)), 0.25),
        (((0,), (1,), (2,)), 0),
    ],
    ids=str,
)
def test_cost_by_hand(groups, cost):
    assert cost_of(groups, THREE) == pytest.approx(cost)


def test_dissimilarity_is_one_minus_pearsons_correlation(monkeypatch):
    monkeypatch.setattr(tree_search, "PIECE", 7)
    maps = torch.randn(5, 100, generator=torch.Generator().manual_seed(0)) + 50
    np.testing.assert_allclose(dissimilarity(maps), 1 - np.corrcoef(maps.double().numpy()), atol=1e-12)


def test_dissimilarity_of_many_large_features_is_exact():
    generator = torch.Generator().manual_seed(0)
    maps = 1000 + torch.randn(3, 3_000_000, generator=generator)
    np.testing.assert_allclose(dissimilarity(maps), 1 - np.corrcoef(maps.double().numpy()), atol=1e-9)


def test_distance_is_one_minus_spearmans_correlation():
    rng = np.random.default_rng(0)
    matrices = [np.corrcoef(rng.normal(size=(6, 4)).round(1)) for _ in range(4)]
    upper = np.triu_indices(6, 1)
    expected = 1 - spearmanr(np.stack([matrix[upper] for matrix in matrices], axis=1)).statistic
    np.testing.assert_allclose(distances(matrices), expected, atol=1e-12)


def test_features_without_a_correlation_are_refused():
    with pytest.raises(ValueError, match="features of an image are all equal"):
        dissimilarity(torch.stack([torch.ones(9), torch.arange(9.0)]))
    with pytest.raises(ValueError, match="2 images: use 3 or more"):
        distances([np.zeros((2, 2))] * 2)


@pytest.mark.parametrize(("tasks", "count"), [(2, 5), (3, 35), (4, 315), (5, 3455), (6, 44_590)])
def test_number_of_trees(tasks, count):  # chains in the lattice of partitions
    found = list(trees((tuple(range(tasks)),), 4))
    assert len(found) == len(set(found)) == count


def test_trees_are_those_that_a_branched_network_takes():
    names = ["depth", "edge", "normals"]
    for tree in candidates(names, [THREE] * 4, [1, 2, 4, 8]):
        assert groups_of(tree.tree, names) == list(tree.tree.values())


def test_no_tree_with_as_few_parameters_costs_less():
    rng, sizes = np.random.default_rng(1), [148, 526, 2100, 8394]
    matrices = []
    for _ in sizes:
        half = np.triu(rng.uniform(size=(4, 4)), 1)
        matrices.append(half + half.T)
    found = candidates("abcd", matrices, sizes)
    tried = [
        (
            sum(len(groups) * size for groups, size in zip(tree, sizes, strict=True)),
            sum(itertools.starmap(cost_of, zip(tree, matrices, strict=True))),
        )
        for tree in trees(((0, 1, 2, 3),), 4)
    ]
    for tree in found:
        assert tree.cost == pytest.approx(min(cost for parameters, cost in tried if parameters <= tree.parameters))
    assert [tree.parameters for tree in found] == sorted({tree.parameters for tree in found})
    assert found[0].parameters == sum(sizes)
    assert found[-1].cost == 0
    assert found[-1].parameters <= 4 * sum(sizes)


def test_tasks_that_represent_images_alike_stay_together():
    alike = np.array([[0, 0.1, 0.9, 0.9], [0.1, 0, 0.9, 0.9], [0.9, 0.9, 0, 0.1], [0.9, 0.9, 0.1, 0]])
    pairs = [
        tree for tree in candidates("abcd", [0 * alike, 0 * alike, alike, alike], [1, 1, 1, 1]) if tree.parameters == 6
    ]
    assert pairs[0].tree == {
        "layer1": [["a", "b", "c", "d"]],
        "layer2": [["a", "b", "c", "d"]],
        "layer3": [["a", "b"], ["c", "d"]],
        "layer4": [["a", "b"], ["c", "d"]],
    }
