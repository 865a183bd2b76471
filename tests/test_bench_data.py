"""The benchmark of the data pipeline runs, small, and its plain pipeline is the recipe."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import torch

SCRIPT = Path(__file__).parent.parent / "scripts/bench_data.py"


def test_every_pipeline_is_measured(run_script, tmp_path):
    words = ["rounds=2", "images=6", "native=42x56", "size=32x48", f"summary={tmp_path}/out.csv"]
    assert run_script("bench_data", *words)[0] == 0
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table["pipeline"][:3]) == ["opencv", "mtl", "mtl, cache"]
    assert (table["images_per_second"] > 0).all()


class Draws:
    """Hands out the same numbers to both pipelines, in the order in which the recipe asks for them."""

    def __init__(self, numbers, corner, coins, turn):
        self.numbers, self.corner, self.coins, self.turn = iter(numbers), iter(corner), iter(coins), turn

    def uniform(self, low, high):
        return next(self.numbers)

    def integers(self, low, high=None):
        return next(self.corner) if high is None else self.turn

    def random(self):
        return 0.0 if next(self.coins) else 1.0

    def into(self, patch):
        """Makes torch draw from here."""
        patch.setattr(torch.Tensor, "uniform_", lambda tensor, *bounds: tensor.fill_(self.uniform(*bounds)))
        patch.setattr(torch, "randint", lambda *words: torch.tensor(self.integers(*words[:-1])))
        patch.setattr(torch, "rand", lambda size: torch.full(size if isinstance(size, tuple) else (), self.random()))


def test_both_pipelines_make_the_same_of_the_same_draws(monkeypatch):
    bench = runpy.run_path(str(SCRIPT))
    rng = np.random.default_rng(0)
    folder = object.__new__(bench["Folder"])
    for number in range(20):
        maps = {
            "image": rng.integers(256, size=(42, 56, 3), dtype=np.uint8),
            "semseg": rng.integers(9, size=(42, 56), dtype=np.uint8),
            "depth": rng.random((42, 56), np.float32) + 1,
            "normals": rng.normal(size=(42, 56, 3)).astype(np.float32),
            "edge": rng.integers(2, size=(42, 56), dtype=np.uint8),
        }
        scale = np.float32(rng.uniform(0.5, 2)).item()
        corner = [int(rng.integers(max(int(have * scale) - want, 0) + 1)) for have, want in ((42, 32), (56, 48))]
        coins = (rng.random(6) < 0.5).tolist()  # flip, brightness, contrast last, contrast, saturation, hue
        numbers = [scale, *np.float32(rng.uniform(0.5, 1.5, 3)).tolist()]
        drawn = numbers, corner, coins, int(rng.integers(-18, 18))

        expected = bench["opencv"](dict(maps), (32, 48), Draws(*drawn))
        planes = {key: np.ascontiguousarray(np.atleast_3d(value).transpose(2, 0, 1)) for key, value in maps.items()}
        sample = {key: folder._typed(key, value) for key, value in planes.items()}
        with monkeypatch.context() as patch:
            Draws(*drawn).into(patch)
            got = bench["pipeline"]((32, 48))(sample | {"meta": {"id": "a", "size": (42, 56)}})
        for key, value in expected.items():
            assert got[key].dtype == value.dtype
            assert torch.equal(got[key], value) or (key == "depth" and torch.allclose(got[key], value)), (number, key)
