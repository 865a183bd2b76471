import sys
from pathlib import Path

import pytest
import torch

for folder in (".", "engine", "metrics", "weighters"):  # shared networks, matrices and configs
    sys.path.insert(0, str(Path(__file__).parent / folder))


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
