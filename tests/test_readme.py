"""What README.md and the other documents promise: links, targets, files and choices that exist."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from torch import nn

from mtl import build
from mtl.experiment import swept
from mtl.report.figures.catalogue import FIGURES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TRAIN = (ROOT / "docs/train.md").read_text()
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "data/README.md", *PAGES]


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


@pytest.fixture(params=DOCUMENTS)
def document(request) -> Path:
    return ROOT / request.param


def anchors(page: Path) -> set[str]:
    """What a link can point to in a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_a_heading(document):
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"(.+?)\"", document.read_text())
    for link in [link or image for link, image in links if not link.startswith("http")]:
        file, _, heading = link.partition("#")
        assert (document.parent / file).exists(), link
        assert not heading or heading in anchors(document.parent / file), link


def test_every_file_named_exists(document):
    folders = "configs|docs|examples|mtl|scripts|tests|results"
    named = re.findall(rf"(?<![\w/.~-])(?:{folders})(?:/[\w.-]+)*(?![\w.<-])|train\.py", document.read_text())
    made = ("configs/weighter/mine.yaml", "results/report.html", "results/runs", "results/records", "results/lists")
    for name in {name.rstrip(".") for name in named}:
        assert name.startswith(made) or (ROOT / name).exists(), name


def test_every_word_of_a_command_is_a_file(document):
    groups = "|".join(path.name for path in (ROOT / "configs").iterdir() if path.is_dir())
    words = re.findall(rf"(?<![\w.])({groups})=([\w,]+)", document.read_text())
    for group, name in {(group, name) for group, names in words for name in names.split(",")} - {("weighter", "mine")}:
        assert (ROOT / f"configs/{group}/{name}.yaml").exists(), f"{group}={name}"


def test_every_command_composes(document):
    """All but those with a placeholder or a config of the reader's own."""
    calls = re.findall(r"(?:python train\.py|mtl-train)((?: [^`\n]*)?)", document.read_text())
    for words in [shlex.split(call, comments=True) for call in calls if "..." not in call and "=mine" not in call]:
        for one in swept([word for word in words if not word.startswith("-")]):
            build.run_folder(build.compose(one))


def targets() -> set[str]:
    """Targets of the Makefile."""
    lines = re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    return {target for line in lines for target in line.split()}


def test_every_make_target_named_exists(document):
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", document.read_text(), flags=re.MULTILINE))
    assert named - {"data-"} <= targets()  # make data-<name>


def test_table_of_targets_names_targets():
    section = (ROOT / "docs/reproduce.md").read_text().split("| target | what it makes |")[1].split("\n\n")[0]
    named = {
        word for cell in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for word in re.findall("`(.+?)`", cell)
    }
    assert len(named) > 10
    assert named <= targets() | {f"figure{number}" for number in FIGURES}


def test_every_choice_in_the_table_is_a_file():
    groups = re.findall(r"^\| `(\w+)` \| (.*) \|$", TRAIN, flags=re.MULTILINE)
    assert len(groups) >= 7
    for group, choices in groups:
        for choice in re.findall(r"`(\w+)`", choices) if (ROOT / f"configs/{group}").is_dir() else ():
            assert (ROOT / f"configs/{group}/{choice}.yaml").exists(), f"{group}={choice}"
