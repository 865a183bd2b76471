import sys
from pathlib import Path

import pytest
import torch

for folder in (".", "data", "engine", "metrics", "weighters"):  # shared networks, matrices, configs and archives
    sys.path.insert(0, str(Path(__file__).parent / folder))


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
