"""What the code quotes of the paper that it reproduces: places that exist and say what they are quoted for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for folder in ("configs", "mtl", "scripts")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".yaml", ".html")
]
SECTIONS = {"IV-A", *(f"V-{letter}" for letter in "ABCDEF"), *(f"V-F{number}" for number in range(1, 6))}
TABLES = {"II", "III", "IV", "V", "VI", "VII", "VIII", "IX"}
FIGURES = set(map(str, range(1, 17)))
SEARCHED = {  # Sec. V-A is vanilla networks and the grid search, nothing about data, losses or training
    "mtl/report/claims/vanilla.py",
    "mtl/weighters/fixed.py",
}


def quoted(pattern):
    """File -> what the pattern finds in it."""
    found = {path.relative_to(ROOT).as_posix(): re.findall(pattern, path.read_text("utf-8")) for path in FILES}
    return {name: places for name, places in found.items() if places}


@pytest.mark.parametrize(
    ("pattern", "known", "least"),
    [
        (r"Sec\. ([IVX]+(?:-\w+)?)", SECTIONS, 12),
        (r"(?:Table|Tables|and|to) ([IVX]+)\b", TABLES, 30),
        (r"(?:Fig\.|Figs\.|Figure) (\d+)(?! \()", FIGURES, 15),  # another paper's has a part: Fig. 4 (b)
    ],
    ids=["sections", "tables", "figures"],
)
def test_places_exist(pattern, known, least):
    places = [(name, place) for name, found in quoted(pattern).items() for place in found]
    assert len(places) >= least
    assert [one for one in places if one[1] not in known] == []


def test_section_on_vanilla_networks_is_quoted_for_them_alone():
    assert set(quoted(r"Sec\. V-A\b")) == SEARCHED


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("configs/dataset/nyud.yaml", r"^# NYUD-v2: 795 .*\(Sec\. IV-A\)"),
        ("configs/dataset/nyud.yaml", r"^grid_weights:  # Table VI; appendix"),
        ("configs/dataset/pascal_context.yaml", r"^# saliency and edges \(Sec\. IV-A\)"),
        ("configs/dataset/pascal_context.yaml", r"^grid_weights:  # Table VII; appendix"),
        ("configs/dataset/replica.yaml", r"^# \(Sec\. IV-A\)"),
        ("configs/task/edge.yaml", r"positive_weight: 0\.95  # appendix, Loss functions"),
        ("configs/weighter/avgnorm.yaml", r"^scope: last_layer  # Sec\. V-F5"),
    ],
)
def test_number_is_quoted_from_where_the_paper_has_it(file, line):
    assert re.search(line, (ROOT / file).read_text("utf-8"), re.MULTILINE)
