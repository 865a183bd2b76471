import pytest
from fake_runs import make_two_seeds, run_maker


@pytest.fixture
def make_run(tmp_path):
    """Writes a finished run into tmp_path / "runs" and returns it; keywords set other entries of the record."""
    return run_maker(tmp_path)


@pytest.fixture
def two_seeds(make_run):
    """Single-task networks, Uniform, Grid Search and AvgNorm at two seeds, with easy numbers."""
    return make_two_seeds(make_run)
