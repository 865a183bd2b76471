"""The benchmark of the edge metric, on images for which it takes a moment."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "bench_edges.py"


@pytest.fixture
def bench(monkeypatch):
    names = runpy.run_path(str(SCRIPT))
    monkeypatch.setitem(names["main"].__globals__, "SHAPE", (48, 60))
    return names


@pytest.mark.parametrize(("variant", "annotators"), [("nms", 1), ("raw", 1), ("nms", 3)])
def test_ours_and_scipy_find_as_many_pairs(bench, variant, annotators):
    line = bench["compare"]([bench["image"](seed) for seed in range(2)], variant, annotators)
    assert line["images"] == 2
    assert line["boundary_px"] > 50
    assert line["ratio"] == pytest.approx(line["scipy_seconds"] / line["seconds"])


def test_split_repeats_its_images(bench):
    assert bench["score"]([bench["image"](0)], 3, 0)["images"] == 3
