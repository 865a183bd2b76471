"""What the README promises."""

import re
from pathlib import Path

import torch
from torch import nn

from mtl.report.figures.catalogue import FIGURES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_example_trains_in_at_most_ten_lines():
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    heads = nn.ModuleList(nn.Conv2d(4, 1, 1) for _ in range(3))
    image = torch.randn(2, 3, 8, 8)
    targets = [t * image.mean(1, keepdim=True)[..., 1:-1, 1:-1] for t in (1, 2, 3)]
    optimizer = torch.optim.Adam([*encoder.parameters(), *heads.parameters()], lr=0.02)
    criterion = nn.MSELoss()

    def loss() -> float:
        return sum(criterion(head(encoder(image)), targets[t]).item() for t, head in enumerate(heads))

    names = {"encoder": encoder, "heads": heads, "optimizer": optimizer, "criterion": criterion}
    before = loss()
    exec(example, names | {"loader": [(image, targets)] * 60})
    assert loss() < 0.5 * before


def test_every_linked_file_exists():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link


def test_every_make_target_named_exists():
    lines = re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    targets = {target for line in lines for target in line.split()}
    assert set(re.findall(r"make ([a-z][a-z0-9-]*)", README)) - {"help"} <= targets
    section = README.split("| target | what it makes |")[1].split("\n\n")[0]
    named = {
        word for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for word in re.findall("`(.+?)`", cell)
    }
    assert len(named) > 10
    assert named <= targets | {f"figure{number}" for number in FIGURES}


def test_every_choice_in_the_table_is_a_file():
    for group, choices in re.findall(r"^\| `(\w+)` \| (.*) \|$", README, flags=re.MULTILINE):
        for choice in re.findall(r"`(\w+)`", choices):
            assert (ROOT / f"configs/{group}/{choice}.yaml").exists(), f"{group}={choice}"
